# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 9: extensions"""

from suite import TEXT, UPGRADE, check, frame, must, must_not, states


@must_not("9", "A server MUST NOT respond with any extension not requested by the client.", {
    "nothing": [],
    "unknown": ["Sec-WebSocket-Extensions: private-extension"],
    "several unknown": ["Sec-WebSocket-Extensions: mux; max-channels=4; flow-control, deflate-stream"],
    "an older draft": ["Sec-WebSocket-Extensions: x-webkit-deflate-frame"],
})
def no_extension_is_answered_to(server, fields):
    peer = server.connect()
    peer.get("/echo", *UPGRADE, *fields).expect(101).expect_field("Sec-WebSocket-Extensions", None)
    peer.expect_echo()


MALFORMED = "If a value is received by either the client or the server during negotiation that does not conform to " \
    "the ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_."


@must("9.1", MALFORMED, {
    "no token": "; x=1", "a bare equals sign": "foo; =1", "no value": "foo; x=", "a space in a token": "foo bar",
    "a control character": "foo\x7f", "an open quotation": 'foo; x="1',
    "a quotation that is no token": 'foo; x="1 2"',
    "an empty parameter": "foo;; x=1",
})
def a_malformed_offer_is_refused(server, value):
    answer = server.get("/echo", *UPGRADE, f"Sec-WebSocket-Extensions: {value}")
    check(answer.status == 400, f"the status is {answer.status}")


@states("9.1", 'extension-param = token [ "=" (token | quoted-string) ]',
        ["foo", "foo; x", "foo; x=1", 'foo; x="1"', "foo ; x = 1", "foo;x;y=2,bar", "foo,,bar", 'foo; x="\\1"'])
def a_well_formed_offer_is_read(server, value):
    server.get("/echo", *UPGRADE, f"Sec-WebSocket-Extensions: {value}").expect(101)


@states("9.1", "Note that like other HTTP header fields, this header field MAY be split or combined across multiple "
        "lines.")
def an_offer_may_be_split_across_fields(server):
    server.open("/echo", "Sec-WebSocket-Extensions: foo", "Sec-WebSocket-Extensions: bar; baz=2").expect_echo()


@must_not("9.1", "the client is only offering to use any advertised extensions and MUST NOT use them unless the "
          "server indicates that it wishes to use the extension.")
def an_extension_that_was_not_accepted_may_not_be_used(server):
    peer = server.open("/echo", "Sec-WebSocket-Extensions: private-extension")
    peer.send(frame(TEXT, "x", rsv=4))
    peer.expect_close(1002)
