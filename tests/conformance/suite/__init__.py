# SPDX-License-Identifier: Apache-2.0
"""What a conformance case is written with."""

from support.wire import (
    BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, accept_of, close_payload, frame, random_key)

from .peer import UPGRADE, Response
from .rules import (
    Mismatch, among, check, equal, may, must, must_not, shall, shall_not, should, should_but, should_not, states)

__all__ = [
    "BINARY", "CLOSE", "CONTINUATION", "KEY", "Mismatch", "PING", "PONG", "Response", "TEXT", "UPGRADE",
    "accept_of", "among", "check", "close_payload", "equal", "frame", "may", "must", "must_not", "random_key",
    "shall", "shall_not", "should", "should_but", "should_not", "states",
]
