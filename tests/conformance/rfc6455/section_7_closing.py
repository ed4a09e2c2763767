# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 7: closing the connection"""

from suite import (
    BINARY, CLOSE, CONTINUATION, PING, TEXT, check, close_payload, equal, frame, may, must, must_not, should, states)

VIOLATIONS = {
    "an unmasked frame": (frame(TEXT, "x", key=None), 1002),
    "a reserved bit": (frame(TEXT, "x", rsv=1), 1002),
    "an unknown opcode": (frame(3, "x"), 1002),
    "a continuation of nothing": (frame(CONTINUATION, "x"), 1002),
    "a large ping": (frame(PING, "x" * 126), 1002),
    "a long length": (frame(TEXT, "x", form=64), 1002),
    "text that is no UTF-8": (frame(TEXT, b"\xff"), 1007),
    "a message that is too big": (frame(BINARY, b"", length=1 << 40, form=64), 1009),
    "a close code that is none": (frame(CLOSE, close_payload(1005)), 1002),
    "a close frame of one octet": (frame(CLOSE, b"\x03"), 1002),
    "a reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
}


@should("7.1.1", "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS "
        "session, if applicable, discarding any trailing bytes that may have been received.")
def the_end_is_clean_though_bytes_trail(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)) + b"\xff" * 5000)
    found = peer.read_frame()
    equal((found.opcode, found.payload), (CLOSE, close_payload(1000)))
    peer.expect_end()


@should("7.1.1", "The underlying TCP connection, in most normal cases, SHOULD be closed first by the server")
def the_server_closes_first(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)))
    peer.expect_close(1000)


@should("7.1.1", "The underlying TCP connection, in most normal cases, SHOULD be closed first by the server")
def the_server_closes_first_after_its_own_close_too(server):
    peer = server.open("/mute")
    peer.send(frame(TEXT, "clients may not publish here"))
    peer.expect_close(1008)


@must("7.1.2", "an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status code is "
      "set to /code/ and whose close reason is set to /reason/.")
def the_server_closes_with_code_and_reason(server):
    peer = server.open("/mute")
    peer.send(frame(TEXT, "clients may not publish here"))
    check(peer.expect_close(1008), "there is no reason")


@should("7.1.2", "Once an endpoint has both sent and received a Close control frame, that endpoint SHOULD _Close "
        "the WebSocket Connection_")
def both_close_frames_end_the_connection(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(4000, "enough")))
    peer.expect_close(4000)


@states("7.1.5", "If this Close control frame contains no status code, _The WebSocket Connection Close Code_ is "
        "considered to be 1005.")
def no_code_is_not_answered_with_1005(server):
    peer = server.open()
    peer.send(frame(CLOSE))
    peer.expect_close(None, 1000)


@must("7.1.7", "to do so, the server MUST _Close the WebSocket Connection_, and SHOULD log the problem.", VIOLATIONS)
def a_violation_closes_the_connection(server, violation):
    data, code = violation
    peer = server.open()
    peer.send(data)
    peer.expect_close(code)


@should("7.1.7", "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before "
        "proceeding to _Close the WebSocket Connection_.", VIOLATIONS)
def what_was_queued_goes_out_before_the_close(server, violation):
    data, code = violation
    peer = server.open()
    peer.send(frame(TEXT, "first") + frame(PING, "second") + frame(BINARY, b"third" * 5000) + data)
    peer.expect_message("first")
    peer.expect_pong("second")
    peer.expect_message(b"third" * 5000, BINARY)
    peer.expect_close(code)


@should("7.1.7", "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before "
        "proceeding to _Close the WebSocket Connection_.")
def a_hundred_echoes_go_out_before_the_close(server):
    peer = server.open()
    peer.send(b"".join(frame(TEXT, f"echo {i}") for i in range(100)) + frame(TEXT, "x", rsv=4))
    for i in range(100):
        peer.expect_message(f"echo {i}")
    peer.expect_close(1002)


@must_not("7.1.7", "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) "
          "from the remote endpoint after being instructed to _Fail the WebSocket Connection_.")
def what_follows_a_violation_is_not_processed(server):
    peer = server.open()
    peer.send(frame(3, "x") + frame(TEXT, "no echo") + frame(PING, "no pong"))
    peer.expect_close(1002)


@states("7.2.2", "the server MUST simply _Close the WebSocket Connection_ (Section 7.1.1).")
def an_aborted_handshake_gets_no_frame(server):
    peer = server.connect()
    peer.send(b"GET /echo HTTP/1.1\r\nHost : x\r\n\r\n" + frame(TEXT, "not yet"))
    peer.expect_refusal(400)


@may("7.3", "Servers MAY close the WebSocket connection whenever desired.")
def the_server_closes_by_a_closing_handshake(server):
    peer = server.open("/mute")
    peer.send(frame(BINARY, b"unwanted"))
    peer.expect_close(1008)


# 7.4 Status codes

VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4999]


@states("7.4.1", "Endpoints MAY use the following pre-defined status codes when sending a Close frame.", VALID)
def a_code_that_may_be_sent_is_echoed(server, code):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(code)))
    peer.expect_close(code)


@must_not("7.4.1", "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an "
          "endpoint.", [1005])
def a_close_with_1005_is_a_protocol_error(server, code):
    refused(server, code)


@must_not("7.4.1", "1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an "
          "endpoint.", [1006])
def a_close_with_1006_is_a_protocol_error(server, code):
    refused(server, code)


@must_not("7.4.1", "1015 is a reserved value and MUST NOT be set as a status code in a Close control frame by an "
          "endpoint.", [1015])
def a_close_with_1015_is_a_protocol_error(server, code):
    refused(server, code)


@states("7.4.1", "1009 indicates that an endpoint is terminating the connection because it has received a message "
        "that is too big for it to process.")
def a_message_above_the_limit_is_closed_with_1009(server):
    peer = server.open("/small")
    peer.send(frame(BINARY, b"x" * 1001))
    peer.expect_close(1009)


@states("7.4.1", "1007 indicates that an endpoint is terminating the connection because it has received data within "
        "a message that was not consistent with the type of the message")
def text_that_is_none_is_closed_with_1007(server):
    peer = server.open()
    peer.send(frame(TEXT, b"\xc3\x28"))
    peer.expect_close(1007)


@states("7.4.1", "1008 indicates that an endpoint is terminating the connection because it has received a message "
        "that violates its policy.")
def a_message_where_none_is_wanted_is_closed_with_1008(server):
    peer = server.open("/mute")
    peer.send(frame(TEXT, "x"))
    peer.expect_close(1008)


@states("7.4.2", "Status codes in the range 0-999 are not used.", [0, 1, 999])
def a_code_below_1000_is_a_protocol_error(server, code):
    refused(server, code)


@states("7.4.2", "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future "
        "revisions, and extensions", [1004, 1016, 1100, 1999, 2000, 2999])
def a_code_that_nobody_defined_is_a_protocol_error(server, code):
    refused(server, code)


@states("7.4.2", "Status codes in the range 3000-3999 are reserved for use by libraries, frameworks, and "
        "applications.", [3000, 3500, 3999])
def a_code_of_a_library_is_echoed(server, code):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(code)))
    peer.expect_close(code)


@states("7.4.2", "Status codes in the range 4000-4999 are reserved for private use", [4000, 4500, 4999])
def a_private_code_is_echoed(server, code):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(code)))
    peer.expect_close(code)


@states("7.4.2", "Status codes in the range 4000-4999 are reserved for private use", [5000, 5001, 65535])
def a_code_above_4999_is_a_protocol_error(server, code):
    refused(server, code)


def refused(server, code):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(code)))
    peer.expect_close(1002)
