# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 8: error handling

Text must be UTF-8, and what is not is noticed at its first bad octet: within an unfinished frame, and
before the rest of the message has come.
"""

from suite import CLOSE, CONTINUATION, PING, TEXT, equal, frame, must, states

FAIL = "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a " \
    "valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."

INVALID = {
    "a lone continuation octet": b"\x80",
    "two continuation octets": b"\x80\xbf",
    "0xfe": b"\xfe",
    "0xff": b"\xff",
    "0xc0, always overlong": b"\xc0\xaf",
    "0xc1, always overlong": b"\xc1\xbf",
    "an overlong of 3 octets": b"\xe0\x80\xaf",
    "the greatest overlong of 3 octets": b"\xe0\x9f\xbf",
    "an overlong of 4 octets": b"\xf0\x80\x80\xaf",
    "the greatest overlong of 4 octets": b"\xf0\x8f\xbf\xbf",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "0xf5": b"\xf5\x80\x80\x80",
    "5 octets": b"\xf8\x88\x80\x80\x80",
    "6 octets": b"\xfc\x84\x80\x80\x80\x80",
    "2 octets, the second is ASCII": b"\xc3\x28",
    "3 octets, the third is ASCII": b"\xe2\x82\x28",
    "4 octets, the fourth is ASCII": b"\xf0\x9d\x84\x28",
    "after good text": "κόσμε".encode() + b"\xed\xa0\x80edited",
    "after 100 octets of ASCII": b"a" * 100 + b"\xff" + b"a" * 100,
    "after 5000 octets": "κόσμε".encode() * 454 + b"\xc0",
}

INCOMPLETE = {"1 of 2 octets": b"\xc3", "2 of 3 octets": b"\xe2\x82", "3 of 4 octets": b"\xf0\x9d\x84"}

VALID = {
    "nothing": "",
    "NUL": "\0",
    "the limits of 1 octet": "\x00\x7f",
    "the limits of 2 octets": "\x80\u07ff",
    "the limits of 3 octets": "\u0800\uffff",
    "the limits of 4 octets": "\U00010000\U0010ffff",
    "around the surrogates": "\ud7ff\ue000",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001fffe\U0010ffff",
    "a byte order mark": "\ufeff",
    "Greek": "κόσμε" * 200,
    "a mixture": "Hello-µ@ßöäüàá-UTF-8!! 𝄞€é" * 100,
}


@must("8.1", FAIL, VALID)
def text_that_is_utf_8_comes_back(server, text):
    server.open().expect_echo(text)


@must("8.1", FAIL, INVALID)
def text_that_is_not_utf_8_is_closed_with_1007(server, payload):
    peer = server.open()
    peer.send(frame(TEXT, payload))
    peer.expect_close(1007)


@must("8.1", FAIL, INCOMPLETE)
def text_that_ends_within_a_character_is_closed_with_1007(server, payload):
    peer = server.open()
    peer.send(frame(TEXT, b"ends here: " + payload))
    peer.expect_close(1007)


@must("8.1", FAIL, INVALID)
def the_first_bad_octet_closes_an_unfinished_frame(server, payload):
    peer = server.open()
    data = frame(TEXT, payload + b"a" * 60, length=len(payload) + 100000)
    peer.send(data)
    peer.expect_close(1007)


@must("8.1", FAIL, INVALID)
def the_first_bad_octet_closes_an_unfinished_message(server, payload):
    peer = server.open()
    peer.send(frame(TEXT, "good so far ", fin=False) + frame(CONTINUATION, payload + b"a" * 4, fin=False))
    peer.expect_close(1007)


@must("8.1", FAIL, {"2 octets": b"\xc3\x28", "3 octets": b"\xe2\x28\xa1", "4 octets": b"\xf0\x9d\x28\x9e",
                    "a surrogate": b"\xed\xa0\x80", "an overlong": b"\xe0\x80\x80"})
def a_bad_character_that_fragments_divide_is_noticed(server, payload):
    for cut in range(1, len(payload)):
        peer = server.open()
        peer.send(frame(TEXT, payload[:cut], fin=False) + frame(CONTINUATION, payload[cut:], fin=False))
        peer.expect_close(1007)


@must("8.1", FAIL)
def the_second_octet_is_enough_to_fail_a_surrogate(server):
    peer = server.open()
    peer.send(frame(TEXT, b"\xed\xa0", fin=False))
    peer.expect_close(1007)


@must("8.1", FAIL)
def the_second_octet_is_enough_to_fail_what_is_above_u_10ffff(server):
    peer = server.open()
    peer.send(frame(TEXT, "κόσμε".encode() + b"\xf4\x90", length=1000))
    peer.expect_close(1007)


@must("8.1", FAIL, INCOMPLETE)
def a_last_fragment_within_a_character_is_closed_with_1007(server, payload):
    peer = server.open()
    peer.send(frame(TEXT, b"a" + payload, fin=False) + frame(CONTINUATION, b""))
    peer.expect_close(1007)


@must("8.1", FAIL, INCOMPLETE)
def a_control_frame_within_a_character_does_not_disturb(server, part):
    whole = {1: "é", 2: "€", 3: "𝄞"}[len(part)].encode()
    peer = server.open()
    peer.send(frame(TEXT, whole[:len(part)], fin=False) + frame(PING, b"\xff"))
    peer.expect_pong(b"\xff")
    peer.send(frame(CONTINUATION, whole[len(part):]))
    peer.expect_message(whole)


@must("8.1", FAIL)
def any_character_may_be_divided_anywhere(server):
    text = "Hello-µ@ßöäüàá-UTF-8!! 𝄞€é".encode()
    peer = server.open()
    data = b"".join(
        frame(TEXT if i == 0 else CONTINUATION, text[i:i + 1], fin=i == len(text) - 1) for i in range(len(text)))
    peer.send(data)
    peer.expect_message(text)


@must("8.1", FAIL, {name: INVALID[name] for name in (
    "a lone continuation octet", "0xff", "0xc0, always overlong", "the first surrogate", "above U+10FFFF",
    "2 octets, the second is ASCII")} | INCOMPLETE)
def a_close_reason_that_is_not_utf_8_is_closed_with_1007(server, reason):
    peer = server.open()
    peer.send(frame(CLOSE, b"\x03\xe8" + reason))
    peer.expect_close(1007, 1002)


@states("8.1", "This rule applies both during the opening handshake and during subsequent data exchange.")
def a_path_that_is_not_utf_8_is_refused(server):
    answer = server.get("/room/%ff", "Upgrade: websocket")
    equal(answer.status // 100, 4, "the class of the status")


@states("8.1", "When an endpoint is to interpret a byte stream as UTF-8")
def binary_is_not_held_to_it(server):
    server.open().expect_echo(b"\xff\xfe\xed\xa0\x80\xc0", 2)
