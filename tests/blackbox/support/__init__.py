# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests share: a running daemon, and a client that controls every byte."""

from .case import DaemonCase
from .daemon import IO, PEALD, SANITIZED, Daemon, wait_until
from .wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Client, close_payload, frame

__all__ = [
    "BINARY", "CLOSE", "CONTINUATION", "Client", "Daemon", "DaemonCase", "IO", "PEALD", "PING", "PONG",
    "SANITIZED", "TEXT", "close_payload", "frame", "wait_until",
]
