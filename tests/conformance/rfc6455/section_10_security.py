# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 10: security considerations"""

from suite import (
    BINARY, CONTINUATION, PING, TEXT, UPGRADE, check, equal, frame, must, should, states)


@states("10.1", "While this protocol is intended to be used by scripts in web pages, it can also be used directly "
        "by hosts.")
def a_client_that_is_no_browser_gets_in(server):
    server.open().expect_echo()


@should("10.2", "Servers that are not intended to process input from any web page but only for certain sites SHOULD "
        "verify the |Origin| field is an origin they expect.",
        ["http://evil.example", "https://evil.example", "null", "file://", "http://localhost.evil.example", ""])
def a_page_from_elsewhere_is_turned_away_by_default(server, origin):
    check(server.get("/echo", *UPGRADE, f"Origin: {origin}").status != 101 or not origin, "the page got in")


@should("10.2", "If the origin indicated is unacceptable to the server, then it SHOULD respond to the WebSocket "
        "handshake with a reply containing HTTP 403 Forbidden status code.")
def the_status_of_an_unacceptable_origin_is_403(server):
    server.get("/echo", *UPGRADE, "Origin: http://evil.example").expect(403)


@must("10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame "
      "size or total message size after reassembly from multiple frames MUST protect themselves against exceeding "
      "those limits.", {"2^20 and one": (4 << 20) + 1, "2^40": 1 << 40, "2^60": 1 << 60, "2^63-1": (1 << 63) - 1})
def a_frame_above_the_limit_is_refused_by_its_header(server, length):
    peer = server.open()
    peer.send(frame(BINARY, b"", length=length, form=64))
    peer.expect_close(1009)


@must("10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame "
      "size or total message size after reassembly from multiple frames MUST protect themselves against exceeding "
      "those limits.")
def a_stream_of_fragments_above_the_limit_is_refused(server):
    peer = server.open("/small")
    peer.send(frame(BINARY, b"x" * 500, fin=False) + frame(CONTINUATION, b"x" * 500, fin=False)
              + frame(CONTINUATION, b"x", fin=False))
    peer.expect_close(1009)


@should("10.4", "Such an implementation SHOULD impose a limit on frame sizes and the total message size after "
        "reassembly from multiple frames.",
        {"one frame": [1000], "fragments": [500, 499, 1], "small fragments": [10] * 100})
def a_message_at_the_limit_passes(server, sizes):
    peer = server.open("/small")
    last = len(sizes) - 1
    peer.send(b"".join(
        frame(BINARY if i == 0 else CONTINUATION, b"x" * size, fin=i == last) for i, size in enumerate(sizes)))
    peer.expect_message(b"x" * 1000, BINARY)


@must("10.7", "Incoming data MUST always be validated by both clients and servers.")
def noise_instead_of_frames_is_closed(server):
    peer = server.open()
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    peer.expect_close(1002)


@should("10.7", "If the invalid data was received after a successful WebSocket handshake, the endpoint SHOULD send "
        "a Close frame with an appropriate status code (Section 7.4) before proceeding to _Close the WebSocket "
        "Connection_.")
def one_bad_client_does_not_disturb_another(server):
    good, bad = server.open(), server.open()
    good.send(frame(TEXT, "half a ", fin=False))
    bad.send(frame(PING, "x", rsv=7))
    bad.expect_close(1002)
    good.send(frame(CONTINUATION, "message"))
    good.expect_message("half a message")


@should("10.7", "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an "
        "appropriate HTTP [RFC2616] status code.")
def invalid_data_in_the_handshake_is_answered_by_a_status(server):
    peer = server.connect()
    peer.send(b"GET /echo HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: \x00\r\n\r\n")
    equal(peer.expect_refusal(400).status, 400)
