# SPDX-License-Identifier: Apache-2.0
"""RFC 8446 section 6: alerts, and how a connection ends"""

import ssl

from suite import CLOSE, TEXT, check, close_payload, frame, must, should, states
from suite.tls_records import client_hello, expect_alert, record

VERSIONS = {"TLS 1.3": ssl.TLSVersion.TLSv1_3, "TLS 1.2": ssl.TLSVersion.TLSv1_2}


def connect(server, version):
    context = server.target.context()
    context.minimum_version = context.maximum_version = version
    return server.connect(context=context)


@must("6.1", 'Each party MUST send a "close_notify" alert before closing its write side of the connection, unless '
      "it has already sent some error alert.", VERSIONS)
def an_http_connection_ends_with_close_notify(server, version):
    peer = connect(server, version)
    peer.get("/healthz", "Connection: close").expect(200)
    peer.expect_end()
    check(peer.close_notify, "there was no close_notify")


@must("6.1", 'Each party MUST send a "close_notify" alert before closing its write side of the connection', VERSIONS)
def a_websocket_ends_with_close_notify(server, version):
    peer = connect(server, version)
    peer.open("/echo")
    peer.send(frame(CLOSE, close_payload(1000)))
    peer.expect_close(1000)
    check(peer.close_notify, "there was no close_notify")


@must("6.1", 'Each party MUST send a "close_notify" alert before closing its write side of the connection', VERSIONS)
def a_refused_websocket_ends_with_close_notify(server, version):
    peer = connect(server, version)
    peer.open("/echo")
    peer.send(frame(TEXT, "x", rsv=1))
    peer.expect_close(1002)
    check(peer.close_notify, "there was no close_notify")


@states("6.1", "This does not have any effect on its read side of the connection.", ["/healthz", "/large.bin"])
def after_a_close_notify_of_the_client_the_answer_still_comes(server, path):
    peer = connect(server, ssl.TLSVersion.TLSv1_3)
    peer.send_lines(f"GET {path} HTTP/1.1", "Host: {host}")
    peer.shut_down()
    answer = peer.read_response().expect(200)
    check(len(answer.body) > 0, "the body is empty")
    peer.expect_end()


@should("6.1", "Upon receiving such an alert, the TLS implementation SHOULD indicate end-of-data to the application.",
        VERSIONS)
def a_close_notify_of_the_client_ends_an_idle_connection(server, version):
    peer = connect(server, version)
    peer.get("/healthz").expect(200)
    peer.shut_down()
    peer.expect_end()


@should("6.1", "Upon receiving such an alert, the TLS implementation SHOULD indicate end-of-data to the application.",
        VERSIONS)
def a_close_notify_of_the_client_ends_a_websocket(server, version):
    peer = connect(server, version)
    peer.open("/echo")
    peer.expect_echo()
    peer.shut_down()
    peer.expect_end()


@states("6.1", 'If a transport-level close is received prior to a "close_notify", the receiver cannot know that all '
        "the data that was sent has been received.", VERSIONS)
def a_client_that_ends_without_close_notify_does_no_harm(server, version):
    peer = connect(server, version)
    peer.open("/echo")
    peer.send(frame(TEXT, "cut off", length=100))
    peer.socket.shutdown(1)
    peer.read_to_end()
    server.open().expect_echo()


@must("6.2", "Peers which receive a message which cannot be parsed according to the syntax (e.g., have a length "
      "extending beyond the message boundary or contain an out-of-range length) MUST terminate the connection with "
      'a "decode_error" alert.', {"a vector too long": -1, "octets after the end": 1})
def a_client_hello_that_cannot_be_parsed_is_refused(server, change):
    message = client_hello(server.target.context()).handshake()
    body = message[4:-5] if change < 0 else message[4:] + b"\0\0\0"
    expect_alert(server, record(22, bytes([1]) + len(body).to_bytes(3, "big") + body, 0x0301), "decode_error")


@must("6.2", "Peers which receive a message which is syntactically correct but semantically invalid (e.g., a DHE "
      'share of p - 1, or an invalid enum) MUST terminate the connection with an "illegal_parameter" alert.')
def a_key_share_that_is_no_point_is_refused(server):
    hello = client_hello(server.target.context())
    hello.extensions[51] = b"\0\x45\0\x17\0\x41\4" + bytes(64)  # secp256r1, (0, 0)
    expect_alert(server, hello.record(), "illegal_parameter")


@should("6.2", "Whenever an implementation encounters a fatal error condition, it SHOULD send an appropriate fatal "
        "alert and MUST close the connection without sending or receiving any additional data.", {
            "HTTP in the clear": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "noise": bytes(range(64)),
            "SSL 2": b"\x80\x2e\1\0\2\0\x15\0\0\0\x10",
            "an alert": b"\x15\3\1\0\2\2\x28", "application data": b"\x17\3\3\0\5hello"})
def what_is_no_handshake_ends_the_connection(server, data):
    peer = server.connect_tcp()
    peer.send(data)
    peer.shut_down()
    answer = peer.read_to_end()
    check(b"HTTP/1.1 200" not in answer, f"it was answered: {answer[:60]!r}")
