# SPDX-License-Identifier: Apache-2.0
"""A client that records what it exchanges, cuts what it sends into segments, and speaks TLS."""

import dataclasses
import re
import select
import socket
import ssl
import struct
import time

from support.wire import BINARY, CLOSE, KEY, PONG, TEXT, Client, Ended, close_payload, frame

from .rules import Mismatch, among, check, equal, shown

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-5]\d\d) ([\t \x21-\x7e\x80-\xff]*)")
FIELD_VALUE = re.compile(r"[\t \x21-\x7e\x80-\xff]*")
CHUNK = 1 << 16


@dataclasses.dataclass
class Frame:
    """A frame of the server's. `rsv`: RSV1 is 4, RSV2 is 2, RSV3 is 1."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0


class Response:
    """The head of an answer, checked against the grammar of RFC 9112, and its body."""

    def __init__(self, head):
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = STATUS_LINE.fullmatch(status_line)
        check(match, f"the status line is {status_line!r}")
        self.status = int(match[1])
        self.fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            check(colon and TOKEN.fullmatch(name) and FIELD_VALUE.fullmatch(value), f"a field line is {line!r}")
            self.fields.append((name.lower(), value.strip(" \t")))
        self.body = b""

    def all(self, name):
        return [value for field, value in self.fields if field == name.lower()]

    def get(self, name):
        """The value of a field that may be there once; None when it is not there."""
        values = self.all(name)
        check(len(values) < 2, f"{name} is there {len(values)} times")
        return values[0] if values else None

    def tokens(self, name):
        """The members of a list, in lower case."""
        return [part.strip().lower() for value in self.all(name) for part in value.split(",") if part.strip()]

    def expect(self, *statuses):
        among(self.status, statuses, "the status")
        return self

    def expect_field(self, name, expected):
        equal(self.get(name), expected, name)
        return self


class Cutter:
    """Cuts bytes at random places, or, without a generator, nowhere."""

    def __init__(self, random=None):
        self.random = random

    def pieces(self, data):
        data = memoryview(data)
        if self.random is None or len(data) < 2:
            yield data
            return
        cuts = self.random.sample(range(1, len(data)), min(len(data) - 1, self.random.choice((1, 1, 2, 3, 8))))
        begin = 0
        for end in (*sorted(cuts), len(data)):
            yield data[begin:end]
            begin = end

    def pause(self):
        """Lets the server see what was sent so far as a segment of its own, now and then."""
        if self.random and self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.001)


class TlsLayer:
    """TLS without a socket, so that its records can be cut as well."""

    def __init__(self, context, server_name, session=None):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name, session=session)


class Peer(Client):
    """A connection of one case. `head_first` octets may be sent before anything else."""

    def __init__(self, address, timeout, cutter, tls=None, note=lambda direction, data: None):
        super().__init__(address, timeout)
        self.cutter = cutter
        self.note = note
        self.timeout = timeout
        self.ended = False  # the server has closed its side
        self.reset_by_server = False
        self.close_notify = False
        self.inflate = None  # of a compressed message's payload, when permessage-deflate was agreed upon
        self.tls = tls
        if tls:
            self._handshake()

    # Octets on the wire

    def send(self, data):
        """Sends all of `data`, reading what comes meanwhile; what a server that is gone misses is lost."""
        self.note("->", data)
        for piece in self.cutter.pieces(data):
            if self.tls:
                while piece:
                    self.tls.object.write(piece[:CHUNK])
                    piece = piece[CHUNK:]
                self._flush_tls()
            else:
                self._put(piece)
            self.cutter.pause()

    def send_whole(self, data):
        """As send(), but never cut: for data so large that it is cut by the network anyway."""
        cutter, self.cutter = self.cutter, Cutter()
        try:
            self.send(data)
        finally:
            self.cutter = cutter

    def send_raw(self, data):
        """Octets that go beside TLS."""
        self.note("=>", data)
        self._put(memoryview(data))

    def _flush_tls(self):
        data = self.tls.outgoing.read()
        if not data:
            return
        for piece in self.cutter.pieces(data):
            self._put(piece)

    def _put(self, data):
        deadline = time.monotonic() + self.timeout
        while data and time.monotonic() < deadline:
            reading = [] if self.ended else [self.socket]
            readable, writable, _ = select.select(reading, [self.socket], [], self.timeout)
            if readable:
                self._receive()
            if writable:
                try:
                    data = data[self.socket.send(data):]
                except (BrokenPipeError, ConnectionResetError):
                    return

    def _receive(self):
        """Takes what there is, or notes the end."""
        try:
            data = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
            self.reset_by_server = True
        if not data:
            self.ended = True
        if not self.tls:
            self._accept(data)
            return
        if data:
            self.tls.incoming.write(data)
        else:
            self.tls.incoming.write_eof()
        self._decrypt()

    def _decrypt(self):
        try:
            while not self.close_notify:
                data = self.tls.object.read(1 << 18)
                if not data:
                    self.close_notify = True
                self._accept(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.close_notify = True
        except ssl.SSLEOFError:
            self.ended = True

    def _accept(self, data):
        if data:
            self.note("<-", data)
            self._buffer += data

    def _fill(self):
        """Waits for more. Raises Ended when there will be no more."""
        before = len(self._buffer)
        deadline = time.monotonic() + self.timeout
        while len(self._buffer) == before:
            if self.ended or self.close_notify:
                raise Ended
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise Mismatch(f"nothing came from the server within {self.timeout} s")
            self._receive()

    def _handshake(self):
        while True:
            try:
                self.tls.object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush_tls()
                data = self.socket.recv(1 << 16)
                if not data:
                    self.tls.incoming.write_eof()
                self.tls.incoming.write(data) if data else None
            except ssl.SSLError:
                self._flush_tls()
                raise
        self._flush_tls()

    def shut_down(self):
        """Says that nothing more will be sent: close_notify, and the end of the stream."""
        if self.tls:
            try:
                self.tls.object.unwrap()
            except ssl.SSLError:
                pass
            self._flush_tls()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def expect_end(self):
        """The server ends the connection, without another octet; over TLS by a close_notify first."""
        try:
            rest = self.read_to_end()
        except TimeoutError:
            raise Mismatch("the server goes on and on") from None
        check(not rest, f"the server sent more than expected: {shown(rest)}")
        check(not self.reset_by_server, "the server reset the connection")
        if self.tls:
            check(self.close_notify, "the server ended the TCP connection without a close_notify")

    def expect_silence(self, seconds=0.05):
        check(not self._buffer, f"the server sent {shown(bytes(self._buffer))}")
        if select.select([self.socket], [], [], seconds)[0]:
            self._receive()
        check(not self._buffer, f"the server sent {shown(bytes(self._buffer))}")
        check(not self.ended, "the server ended the connection")

    # HTTP

    def send_lines(self, *lines):
        """A request head: its lines, and the empty one. "{host}" is the server's authority."""
        host = "{}:{}".format(*self.address)
        text = "\r\n".join((*lines, "", ""))
        self.send(text.replace("{host}", host).encode("latin-1"))

    def ask(self, *lines):
        """Sends a request head and returns the answer."""
        self.send_lines(*lines)
        return self.read_response(bodyless=lines[0].startswith("HEAD "))

    def get(self, path, *fields):
        return self.ask(f"GET {path} HTTP/1.1", "Host: {host}", *fields)

    def read_response(self, bodyless=False):
        response = Response(self.read_until(b"\r\n\r\n")[:-4])
        if not bodyless and response.status >= 200 and response.status not in (204, 304):
            length = response.get("Content-Length")
            check(length is not None and length.isdecimal(), f"Content-Length is {length!r}")
            response.body = self.read(int(length))
        return response

    def read_until(self, end):
        try:
            return super().read_until(end)
        except Ended:
            raise Mismatch("the server ended the connection instead of answering") from None

    def expect_refusal(self, *statuses):
        """An error, after which the connection ends, because what follows cannot be told apart."""
        answer = self.read_response().expect(*statuses)
        self.expect_end()
        return answer

    # WebSocket

    def open(self, path, *fields):
        """The opening handshake, which must succeed."""
        return self.upgrade(path, *fields).expect(101)

    def read_frame(self):
        """The next frame, which must be as section 5 of RFC 6455 has it for a server."""
        try:
            first, second = self.read(2)
            check(not second & 0x80, "the server masked a frame")
            size = second
            if size == 126:
                size, = struct.unpack("!H", self.read(2))
                check(size >= 126, "the length is not in its shortest form")
            elif size == 127:
                size, = struct.unpack("!Q", self.read(8))
                check(65536 <= size < 1 << 63, "the length is not in its shortest form")
            payload = self.read(size)
        except Ended:
            raise Mismatch("the server ended the connection instead of sending a frame") from None
        found = Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7)
        if found.opcode >= CLOSE:
            check(found.fin and size <= 125 and not found.rsv, f"a control frame is fragmented or large: {found}")
        check(self.inflate or not found.rsv, f"a reserved bit is set: {found}")
        return found

    def read_message(self):
        """(opcode, payload) of the next message, which may be in fragments, and inflated if need be."""
        first = self.read_frame()
        check(first.opcode in (TEXT, BINARY), f"expected a message, found {shown(first)}")
        payload, last = first.payload, first
        while not last.fin:
            last = self.read_frame()
            check(last.opcode == 0 and not last.rsv, f"expected a continuation, found {shown(last)}")
            payload += last.payload
        return first.opcode, self.inflate(payload) if first.rsv else payload

    def expect_message(self, payload, opcode=TEXT):
        payload = payload.encode() if isinstance(payload, str) else payload
        found = self.read_message()
        if found != (opcode, payload):
            raise Mismatch(f"expected message {shown((opcode, payload))}, found {shown(found)}")

    def expect_pong(self, payload):
        payload = payload.encode() if isinstance(payload, str) else payload
        found = self.read_frame()
        equal((found.opcode, found.payload), (PONG, payload), "the pong")

    def expect_echo(self, payload="still here", opcode=TEXT):
        """The connection works: a message comes back."""
        self.send_frame(opcode, payload)
        self.expect_message(payload, opcode)

    def expect_close(self, *codes):
        """A close frame with one of `codes` (None: without any), and after our answer the end."""
        found = self.read_frame()
        check(found.opcode == CLOSE, f"expected a close frame, found {shown(found)}")
        check(len(found.payload) != 1, "a close frame has one octet")
        code = struct.unpack("!H", found.payload[:2])[0] if found.payload else None
        among(code, codes, "the status code of the close frame")
        reason = found.payload[2:].decode("utf-8")
        self.send(frame(CLOSE, close_payload(code) if code else b""))
        self.expect_end()
        return reason


UPGRADE = (
    "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")
