# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 and WebSocket frames over a plain socket, with every byte in the test's hands."""

import base64
import dataclasses
import hashlib
import os
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_GUID).digest()).decode()


def masked(payload, key):
    """`payload` with the key applied, whole at once."""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", *, fin=True, rsv=0, key=b"\x11\x22\x33\x44", length=None, form=None):
    """One frame as a client sends it.

    `key`: None leaves the frame unmasked. `length`: the one that is claimed, if not the true one.
    `form`: 7, 16 or 64, the width of the length field, if not the shortest.
    """
    if isinstance(payload, str):
        payload = payload.encode()
    claimed = len(payload) if length is None else length
    if form is None:
        form = 7 if claimed < 126 else 16 if claimed < 65536 else 64
    mask_bit = 0 if key is None else 0x80
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if form == 7:
        head = struct.pack("!BB", first, mask_bit | claimed)
    elif form == 16:
        head = struct.pack("!BBH", first, mask_bit | 126, claimed)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, claimed)
    return head + payload if key is None else head + key + masked(payload, key)


def close_payload(code, reason=""):
    return struct.pack("!H", code) + reason.encode()


@dataclasses.dataclass
class Frame:
    opcode: int
    payload: bytes


@dataclasses.dataclass
class Response:
    status: int
    headers: dict  # by lower-case name; of a repeated field the last one
    body: bytes


class Ended(Exception):
    """The peer closed or reset the connection."""


class Client:
    """A connection to (host, port) or to a socket's path; closed with `close()` or by `with`. Waits at most `timeout`
    seconds."""

    def __init__(self, address, timeout=10.0, receive_buffer=None, source=None):
        self.address = address
        local = isinstance(address, str)
        self.socket = socket.socket(socket.AF_UNIX if local else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if not local:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # Bytes

    def send(self, data):
        self.socket.sendall(data)

    def trickle(self, data):
        """One byte a segment."""
        for i in range(len(data)):
            self.send(data[i:i + 1])

    def _fill(self):
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if not data:
            raise Ended
        self._buffer += data

    def read(self, size):
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_until(self, end):
        while end not in self._buffer:
            self._fill()
        return self.read(self._buffer.index(end) + len(end))

    def read_to_end(self):
        deadline = time.monotonic() + self.socket.gettimeout()
        try:
            while time.monotonic() < deadline:
                self._fill()
        except Ended:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        raise TimeoutError("the peer goes on and on")

    def has_ended(self):
        """True when the peer ended the connection without another byte. Waits for it."""
        return self.read_to_end() == b""

    # HTTP

    def request_head(self, path, *headers, method="GET", version="1.1", host=None):
        if host is None:
            host = "localhost" if isinstance(self.address, str) else "{}:{}".format(*self.address)
        lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *headers, "", ""]
        return "\r\n".join(lines).encode()

    def request(self, path, *headers, method="GET", **more):
        self.send(self.request_head(path, *headers, method=method, **more))
        return self.read_response(bodyless=method == "HEAD")

    def read_response(self, bodyless=False):
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        status_line, *fields = head[:-4].split("\r\n")
        headers = {}
        for field in fields:
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        status = int(status_line.split()[1])
        if bodyless or status < 200 or status in (204, 304):
            return Response(status, headers, b"")
        return Response(status, headers, self.read(int(headers["content-length"])))

    # WebSocket

    def upgrade_head(self, path, *headers, key=KEY, **more):
        return self.request_head(
            path, "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13", *headers, **more)

    def upgrade(self, path, *headers, **more):
        """Sends the opening handshake and returns the answer, whatever it is."""
        self.send(self.upgrade_head(path, *headers, **more))
        return self.read_response()

    def send_frame(self, opcode, payload=b"", **form):
        self.send(frame(opcode, payload, **form))

    def read_frame(self):
        """The next frame. A server neither masks nor, here, fragments; nor does it waste length bytes."""
        first, second = self.read(2)
        assert first & 0x80, "peal does not fragment what it sends"
        assert not first & 0x70, "no extension was negotiated"
        assert not second & 0x80, "a server never masks"
        size = second
        if size == 126:
            size, = struct.unpack("!H", self.read(2))
            assert size >= 126, "length not in its shortest form"
        elif size == 127:
            size, = struct.unpack("!Q", self.read(8))
            assert size >= 65536, "length not in its shortest form"
        return Frame(first & 0x0F, self.read(size))

    def read_message(self):
        """The next data frame's payload; pings are answered, pongs skipped."""
        while True:
            got = self.read_frame()
            if got.opcode == PING:
                self.send_frame(PONG, got.payload)
            elif got.opcode in (TEXT, BINARY):
                return got.payload
            elif got.opcode == CLOSE:
                raise Ended(got.payload)

    def read_close(self):
        """(code, reason) of the next frame, which must be a close; (None, "") for an empty one."""
        got = self.read_frame()
        assert got.opcode == CLOSE, f"expected a close frame, found {got}"
        if not got.payload:
            return None, ""
        return struct.unpack("!H", got.payload[:2])[0], got.payload[2:].decode()

    def echo(self, payload, opcode=BINARY):
        """Sends one message and returns what comes back; a ping before it is answered."""
        self.send_frame(opcode, payload)
        while (got := self.read_frame()).opcode == PING:
            self.send_frame(PONG, got.payload)
        return got


def random_key():
    return base64.b64encode(os.urandom(16)).decode()
