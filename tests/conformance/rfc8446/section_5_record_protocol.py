# SPDX-License-Identifier: Apache-2.0
"""RFC 8446 section 5: the record protocol"""

from suite import BINARY, check, equal, must, must_not, states
from suite.openssl import SClient
from suite.tls_records import (
    APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, alert_after, client_hello, expect_alert, record)


def refusal_after(server, data):
    """The alert, in OpenSSL's words, that `data` beside TLS brings upon a connection that works."""
    peer = server.connect()
    peer.get("/healthz").expect(200)
    peer.send_raw(data)
    return alert_after(peer)


@states("5.1", "handshake messages MAY be coalesced into a single TLSPlaintext record or fragmented across several "
        "records", [4, 5, 40])
def a_client_hello_may_come_in_several_records(server, size):
    # peal wants the message's header, 4 octets, in the first: its length is judged before memory is taken.
    message = client_hello(server.target.context()).handshake()
    peer = server.connect_tcp()
    peer.send(b"".join(record(HANDSHAKE, message[at:at + size], 0x0301) for at in range(0, len(message), size)))
    equal(peer.read(1), b"\x16", "the type of the first record")


@must("5", "If a TLS implementation receives an unexpected record type, it MUST terminate the connection with an "
      '"unexpected_message" alert.', [0, 19, 24, 99])
def an_unknown_record_type_is_refused(server, kind):
    among_alerts(refusal_after(server, record(kind, bytes(40))), "UNEXPECTED_MESSAGE")


def among_alerts(reason, *names):
    check(any(name in reason for name in names), f"the alert is {reason}")


@must("5", "An implementation may receive an unencrypted record of type change_cipher_spec consisting of the single "
      "byte value 0x01 at any time after the first ClientHello message has been sent or received and before the "
      "peer's Finished message has been received and MUST simply drop it without further processing.")
def a_change_cipher_spec_within_the_handshake_is_dropped(server):
    server.connect().get("/healthz").expect(200)  # OpenSSL sends one, as do browsers


@states("5", "An implementation which receives any other change_cipher_spec value or which receives a protected "
        'change_cipher_spec record MUST abort the handshake with an "unexpected_message" alert.')
def a_change_cipher_spec_after_the_handshake_is_refused(server):
    among_alerts(refusal_after(server, record(CHANGE_CIPHER_SPEC, b"\1")), "UNEXPECTED_MESSAGE")


@must("5.1", "The length MUST NOT exceed 2^14 bytes. An endpoint that receives a record that exceeds this length "
      'MUST terminate the connection with a "record_overflow" alert.')
def a_record_above_2_14_is_refused(server):
    # That no length of plain text is met before a hello is another reading: then it is no TLS at all.
    expect_alert(server, record(HANDSHAKE, b"\1\0\x60\0" + bytes(0x4ffc), 0x0301), "record_overflow",
                 "unexpected_message",
                 "decode_error")


@must("5.2", "The length MUST NOT exceed 2^14 + 256 bytes. An endpoint that receives a record that exceeds this "
      'length MUST terminate the connection with a "record_overflow" alert.',
      {"by one": (1 << 14) + 257, "by much": 0xFFFF})
def a_protected_record_above_the_limit_is_refused(server, size):
    among_alerts(refusal_after(server, record(APPLICATION_DATA, bytes(size))), "RECORD_OVERFLOW")


@must("5.2", 'If the decryption fails, the receiver MUST terminate the connection with a "bad_record_mac" alert.',
      {"noise": bytes(64), "shorter than a tag": bytes(8), "nothing": b""})
def a_record_that_does_not_decrypt_is_refused(server, payload):
    among_alerts(refusal_after(server, record(APPLICATION_DATA, payload)), "BAD_RECORD_MAC", "DECODE_ERROR",
                 "UNEXPECTED_MESSAGE")


@must("5.2", 'If the decryption fails, the receiver MUST terminate the connection with a "bad_record_mac" alert.')
def a_flipped_bit_is_noticed(server):
    peer = server.connect()
    peer.tls.object.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    data = bytearray(peer.tls.outgoing.read())
    data[server.random.randrange(5, len(data))] ^= 1 << server.random.randrange(8)
    peer.send_raw(bytes(data))
    among_alerts(alert_after(peer), "BAD_RECORD_MAC")


@states("5.3", "Each sequence number is set to zero at the beginning of a connection and whenever the key is changed")
def a_repeated_record_is_refused(server):
    peer = server.connect()
    peer.tls.object.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    data = peer.tls.outgoing.read()
    peer.send_raw(data + data)
    among_alerts(alert_after(peer), "BAD_RECORD_MAC")


@states("5.4", "All encrypted TLS records can be padded to inflate the size of the TLSCiphertext.", [64, 1024, 16384])
def padding_is_removed(server, size):
    with SClient(server, "-tls1_3", "-alpn", "http/1.1", "-record_padding", str(size)) as client:
        client.send("GET /abc.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check("abcdefghijklmnopqrstuvwxyz" in client.wait_for("xyz"), "there is no answer")


@must_not("5.4", "the full encoded TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets", [16383, 16384, 16385, 100000])
def messages_larger_than_a_record_come_through(server, size):
    server.open().expect_echo(server.random.randbytes(size), BINARY)  # OpenSSL checks each record
