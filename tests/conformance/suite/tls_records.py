# SPDX-License-Identifier: Apache-2.0
"""TLS by the octet: hellos of a client, changed at will, and the records that come back."""

import dataclasses
import select
import ssl
import struct

from .rules import Mismatch, check, shown

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO = 1, 2

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    47: "illegal_parameter", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
    86: "inappropriate_fallback", 100: "no_renegotiation", 109: "missing_extension", 112: "unrecognized_name",
    120: "no_application_protocol"}

# Extensions, by their numbers at IANA.
SERVER_NAME, ALPN, EARLY_DATA, SUPPORTED_VERSIONS, KEY_SHARE, RENEGOTIATION_INFO = 0, 16, 42, 43, 51, 0xFF01
EMPTY_RENEGOTIATION_INFO_SCSV, FALLBACK_SCSV = 0x00FF, 0x5600


def record(kind, payload, version=0x0303, length=None):
    return struct.pack("!BHH", kind, version, len(payload) if length is None else length) + payload


class _Reader:
    def __init__(self, data):
        self.data = data

    def take(self, size):
        piece, self.data = self.data[:size], self.data[size:]
        return piece

    def vector(self, width):
        return self.take(int.from_bytes(self.take(width), "big"))


def _vector(width, data):
    return len(data).to_bytes(width, "big") + data


def _read_extensions(data):
    reader, found = _Reader(data), {}
    while reader.data:
        number = int.from_bytes(reader.take(2), "big")
        found[number] = reader.vector(2)
    return found


@dataclasses.dataclass
class ClientHello:
    version: int
    random: bytes
    session_id: bytes
    ciphers: list
    compression: bytes
    extensions: dict  # by number, in order; None: the whole block is left out

    def handshake(self):
        body = struct.pack("!H", self.version) + self.random + _vector(1, self.session_id)
        body += _vector(2, b"".join(struct.pack("!H", cipher) for cipher in self.ciphers))
        body += _vector(1, self.compression)
        if self.extensions is not None:
            body += _vector(2, b"".join(
                struct.pack("!H", number) + _vector(2, data) for number, data in self.extensions.items()))
        return bytes([CLIENT_HELLO]) + _vector(3, body)

    def record(self):
        return record(HANDSHAKE, self.handshake(), 0x0301)


def client_hello(context, server_name="localhost", session=None):
    """What OpenSSL would send."""
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name, session=session)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    reader = _Reader(outgoing.read()[9:])
    return ClientHello(
        int.from_bytes(reader.take(2), "big"), reader.take(32), reader.vector(1),
        [number for number, in struct.iter_unpack("!H", reader.vector(2))], reader.vector(1),
        _read_extensions(reader.vector(2)))


@dataclasses.dataclass
class ServerHello:
    version: int
    random: bytes
    session_id: bytes
    cipher: int
    compression: int
    extensions: dict


def read_records(peer):
    """[(type, payload)] of what the server says until it is silent or gone. `peer` speaks no TLS itself."""
    while not peer.ended:
        patience = 0.15 if peer._buffer else peer.timeout
        if not select.select([peer.socket], [], [], patience)[0]:
            break
        peer._receive()
    found, reader = [], _Reader(bytes(peer._buffer))
    peer._buffer.clear()
    while reader.data:
        kind, _version = struct.unpack("!BH", reader.take(3))
        found.append((kind, reader.vector(2)))
    return found


def answer_to(server, data):
    """The records that answer `data`, which is sent as it is."""
    peer = server.connect_tcp()
    peer.send(data)
    return read_records(peer)


def server_hello(records):
    """The ServerHello that the records begin with."""
    kind, payload = records[0] if records else (None, b"")
    check(kind == HANDSHAKE and payload[0] == SERVER_HELLO, f"there is no ServerHello: {alert_of(records)}")
    reader = _Reader(payload[4:4 + int.from_bytes(payload[1:4], "big")])
    return ServerHello(
        int.from_bytes(reader.take(2), "big"), reader.take(32), reader.vector(1),
        int.from_bytes(reader.take(2), "big"),
        reader.take(1)[0], _read_extensions(reader.vector(2)) if reader.data else {})


def alert_of(records):
    """The name of the fatal alert that the records end with; None without one."""
    for kind, payload in records:
        if kind == ALERT and len(payload) == 2:
            return ALERTS.get(payload[1], str(payload[1]))
    return None


def expect_alert(server, data, *names):
    """`data` is answered by an alert and the end of the connection."""
    peer = server.connect_tcp()
    peer.send(data)
    found = alert_of(read_records(peer))
    check(found in names, f"expected the alert {' or '.join(names)}, found {found}")
    check(peer.ended, "the connection goes on")



def alert_after(peer):
    """The alert that ends an established connection, in OpenSSL's words: "TLSV1_ALERT_RECORD_OVERFLOW"."""
    try:
        answer = peer.read_to_end()
    except ssl.SSLError as error:
        return error.reason
    raise Mismatch(f"there was no alert but {shown(answer)}")
