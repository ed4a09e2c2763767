# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 11.3: the header fields, how often each may be there"""

from suite import KEY, UPGRADE, check, equal, may, must_not, states

OTHER_KEY = "AQIDBAUGBwgJCgsMDQ4PEA=="


@must_not("11.3.1", "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.",
          {"twice the same": KEY, "two keys": OTHER_KEY})
def a_second_key_is_refused(server, key):
    server.get("/echo", *UPGRADE, f"Sec-WebSocket-Key: {key}").expect(400)


@may("11.3.2", "The |Sec-WebSocket-Extensions| header field MAY appear multiple times in an HTTP request")
def several_extension_fields_are_one_list(server):
    fields = ["Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b; c=1", "Sec-WebSocket-Extensions: d"]
    server.open("/echo", *fields).expect_echo()


@must_not("11.3.3", "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.")
def accept_appears_once(server):
    answer = server.get("/echo", *UPGRADE).expect(101)
    equal(len(answer.all("Sec-WebSocket-Accept")), 1, "the number of Sec-WebSocket-Accept")


@states("11.3.3", "The |Sec-WebSocket-Accept| header field is used in the WebSocket opening handshake. It is sent "
        "from the server to the client to confirm that the server is willing to initiate the WebSocket connection.")
def a_refusal_has_no_accept(server):
    answer = server.get("/nowhere", *UPGRADE)
    check(not answer.all("Sec-WebSocket-Accept"), "a refused handshake was confirmed")


@may("11.3.4", "The |Sec-WebSocket-Protocol| header field MAY appear multiple times in an HTTP request")
def several_protocol_fields_are_one_list(server):
    fields = ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: v1.example"]
    server.get("/spoken", *UPGRADE, *fields).expect(101).expect_field("Sec-WebSocket-Protocol", "v1.example")


@must_not("11.3.4", "the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP response.")
def one_protocol_is_answered_once(server):
    answer = server.get("/spoken", *UPGRADE, "Sec-WebSocket-Protocol: v1.example, v2.example").expect(101)
    equal(len(answer.all("Sec-WebSocket-Protocol")), 1, "the number of Sec-WebSocket-Protocol")


@must_not("11.3.5", "the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.",
          ["13", "8"])
def a_second_version_is_refused(server, version):
    answer = server.get("/echo", *UPGRADE, f"Sec-WebSocket-Version: {version}")
    check(400 <= answer.status < 500, f"the status is {answer.status}")
