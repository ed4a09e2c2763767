# SPDX-License-Identifier: Apache-2.0
"""The client's half of permessage-deflate (RFC 7692 section 7.2), by zlib."""

import zlib

from .rules import Mismatch, check

TAIL = b"\0\0\xff\xff"


class Deflater:
    """Compresses one message after the other; `takeover` keeps the window between them."""

    def __init__(self, bits=15, takeover=False, level=6):
        self._new = lambda: zlib.compressobj(level, zlib.DEFLATED, -bits)
        self._takeover = takeover
        self._stream = self._new()

    def __call__(self, payload):
        if not self._takeover:
            self._stream = self._new()
        data = self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        assert data.endswith(TAIL)
        return data[:-4]


class Inflater:
    """Inflates; fails when a message reaches back further than 2^`bits`, or, without `takeover`,
    into the message before."""

    def __init__(self, bits=15, takeover=False):
        self._new = lambda: zlib.decompressobj(-bits)
        self._takeover = takeover
        self._stream = self._new()

    def __call__(self, payload):
        if not self._takeover:
            self._stream = self._new()
        data = payload + TAIL
        inflated = b""
        try:
            while True:
                inflated += self._stream.decompress(data)
                if not self._stream.eof:
                    break
                data = self._stream.unused_data  # a block had BFINAL set: section 7.2.3.4
                self._stream = self._new()
                if not data:
                    break
        except zlib.error as error:
            raise Mismatch(f"what the server compressed does not inflate: {error}") from None
        check(not self._stream.unconsumed_tail, "octets follow the compressed message")
        return inflated


def parse_extensions(values):
    """[(name, {parameter: value or None})] of the fields of an answer."""
    found = []
    for element in ",".join(values).split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        if not name:
            continue
        settings = {}
        for parameter in parameters:
            key, equals, value = parameter.partition("=")
            check(key.strip() not in settings, f"the answer names {key} twice")
            settings[key.strip()] = value.strip().strip('"') if equals else None
        found.append((name, settings))
    return found
