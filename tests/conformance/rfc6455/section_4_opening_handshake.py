# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 4: the opening handshake

What a server reads, what it answers, and what it refuses before a WebSocket exists.
"""

from suite import (
    TEXT, UPGRADE, accept_of, check, equal, frame, may, must, must_not, random_key, should_not, states)

FIELDS = {name.partition(":")[0]: name for name in UPGRADE}


def without(name):
    return [line for field, line in FIELDS.items() if field != name]


BROKEN = "If the server ... finds that the client did not send a handshake that matches the description " \
    "below ... the server MUST stop processing the client's handshake and return an HTTP response with an " \
    "appropriate error code (such as 400 Bad Request)."


@must("4.2.1", BROKEN, {
    "no Upgrade": without("Upgrade"),
    "an Upgrade to something else": [*without("Upgrade"), "Upgrade: h2c"],
    "no Connection": without("Connection"),
    "a Connection that does not name Upgrade": [*without("Connection"), "Connection: keep-alive"],
    "no key": without("Sec-WebSocket-Key"),
    "an empty key": [*without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: "],
    "a key of 15 bytes": [*without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1"],
    "a key of 17 bytes": [*without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Njc="],
    "a key without its padding": [*without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
    "a key that is no base64": [*without("Sec-WebSocket-Key"), "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="],
    "no version": without("Sec-WebSocket-Version"),
})
def a_handshake_with_this_flaw_is_refused(server, fields):
    answer = server.get("/echo", *fields)
    check(400 <= answer.status < 500, f"the status is {answer.status}")


@must("4.2.1", BROKEN, ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def a_method_other_than_get_is_refused(server, method):
    answer = server.ask(f"{method} /echo HTTP/1.1", "Host: {host}", *UPGRADE)
    check(400 <= answer.status < 600, f"the status is {answer.status}")


@states("4.2.1", 'An HTTP/1.1 or higher GET request, including a "Request-URI" ... (or an absolute HTTP/HTTPS URI '
        "containing the /resource name/).")
def the_absolute_form_names_the_resource_too(server):
    server.ask("GET %s://{host}/echo HTTP/1.1" % server.scheme, "Host: {host}", *UPGRADE).expect(101)


@states("4.2.1", "An HTTP/1.1 or higher GET request")
def http_1_0_opens_no_websocket(server):
    answer = server.ask("GET /echo HTTP/1.0", "Host: {host}", *UPGRADE)
    check(answer.status >= 400, f"the status is {answer.status}")


@states("4.2.1", "A |Host| header field containing the server's authority.")
def a_handshake_without_host_is_refused(server):
    server.ask("GET /echo HTTP/1.1", *UPGRADE).expect(400)


@states("4.2.1", 'An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive '
        "value.", ["WebSocket", "WEBSOCKET", "websocket"])
def the_protocol_counts_in_any_case(server, value):
    server.get("/echo", *without("Upgrade"), f"Upgrade: {value}").expect(101)


@states("4.2.1", 'A |Connection| header field that includes the token "Upgrade", treated as an ASCII '
        "case-insensitive value.", ["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,keep-alive"])
def the_token_upgrade_counts_in_any_case_and_place(server, value):
    server.get("/echo", *without("Connection"), f"Connection: {value}").expect(101)


@states("4.2.1", "note that as per [RFC2616], the order of the header fields is not important")
def the_order_of_the_fields_does_not_matter(server):
    server.ask("GET /echo HTTP/1.1", *reversed(UPGRADE), "Host: {host}").expect(101)


@should_not("4.2.1", "A connection attempt lacking this header field SHOULD NOT be interpreted as coming from a "
            "browser client.")
def a_client_without_origin_is_let_in(server):
    server.open("/listed").expect_echo()


@states("4.2.1", "Optionally, other header fields, such as those used to send cookies ... Unknown header fields are "
        "ignored")
def other_fields_are_ignored(server):
    server.open("/echo", "Cookie: a=b", "X-Unknown: x", "Sec-WebSocket-Origin: null").expect_echo()


@must("4.2.2", "otherwise, all further communication for the connection (including the server's handshake) MUST run "
      "through the encrypted tunnel")
def nothing_is_said_beside_tls(server):
    if not server.tls:
        return
    peer = server.connect_tcp()
    peer.send_lines("GET /echo HTTP/1.1", "Host: {host}", *UPGRADE)
    check(b"HTTP/1.1 101" not in peer.read_to_end(), "a WebSocket was opened in the clear")


@must("4.2.2", "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error "
      "code (e.g., 403 Forbidden) and abort the WebSocket handshake", [
          "http://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"])
def a_foreign_origin_is_refused_with_403(server, origin):
    server.get("/listed", *UPGRADE, f"Origin: {origin}").expect(403)


@may("4.2.2", "The server MAY use this information as part of a determination of whether to accept the incoming "
     "connection.")
def a_listed_origin_and_the_own_one_are_accepted(server):
    server.open("/listed", "Origin: https://app.example.com").expect_echo()
    server.open("/listed", f"Origin: {server.scheme}://{server.host}").expect_echo()


@must("4.2.2", "If this version does not match a version understood by the server, the server MUST abort the "
      "WebSocket handshake ... and instead send an appropriate HTTP error code (such as 426 Upgrade Required) and a "
      "|Sec-WebSocket-Version| header field indicating the version(s) the server is capable of understanding.",
      ["0", "7", "8", "12", "14", "25", "255", "013", "13, 8", "thirteen"])
def another_version_is_answered_with_426_and_ours(server, version):
    answer = server.get("/echo", *without("Sec-WebSocket-Version"), f"Sec-WebSocket-Version: {version}")
    answer.expect(426).expect_field("Sec-WebSocket-Version", "13")


@must("4.2.2", "If the requested service is not available, the server MUST send an appropriate HTTP error code "
      "(such as 404 Not Found) and abort the WebSocket handshake.",
      ["/nowhere", "/echo/", "/echo/more", "/ECHO", "/room/", "/healthz"])
def a_resource_that_is_no_websocket_is_refused(server, path):
    answer = server.get(path, *UPGRADE)
    check(answer.status != 101, "the server opened a WebSocket")


@must("4.2.2", "The value chosen MUST be derived from the client's handshake, specifically by selecting one of the "
      "values from the |Sec-WebSocket-Protocol| field that the server is willing to use", {
          "one": ("v1.example", "v1.example"),
          "our preference": ("v1.example, v2.example", "v2.example"),
          "among strange ones": ("chat, v1.example,superchat", "v1.example"),
      })
def a_subprotocol_is_chosen_among_those_offered(server, offer):
    offered, chosen = offer
    server.get("/spoken", *UPGRADE, f"Sec-WebSocket-Protocol: {offered}").expect(101).expect_field(
        "Sec-WebSocket-Protocol", chosen)


@must_not("4.2.2", "if the server does not wish to agree to one of the suggested subprotocols, it MUST NOT send "
          "back a |Sec-WebSocket-Protocol| header field in its response", ["chat", "V1.EXAMPLE", "v1.example2, v1"])
def no_subprotocol_in_common_means_no_field(server, offered):
    server.get("/spoken", *UPGRADE, f"Sec-WebSocket-Protocol: {offered}").expect(101).expect_field(
        "Sec-WebSocket-Protocol", None)


@states("4.2.2", "If the client's handshake did not contain such a header field ... the only acceptable value is "
        "null.")
def no_subprotocol_offered_means_no_field(server):
    server.get("/spoken", *UPGRADE).expect(101).expect_field("Sec-WebSocket-Protocol", None)


@must_not("4.2.2", "Extensions not listed by the client MUST NOT be listed.")
def without_an_offer_there_is_no_extension(server):
    server.get("/echo", *UPGRADE).expect(101).expect_field("Sec-WebSocket-Extensions", None)


@must("4.2.2", "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response "
      "indicating the following.")
def the_answer_has_status_101_upgrade_and_connection(server):
    answer = server.get("/echo", *UPGRADE).expect(101)
    equal(answer.get("Upgrade").lower(), "websocket", "Upgrade")
    equal(answer.tokens("Connection"), ["upgrade"], "Connection")
    answer.expect_field("Content-Length", None).expect_field("Transfer-Encoding", None)


@states("4.2.2", "The value of this header field is constructed by concatenating /key/ ... with the string "
        '"258EAFA5- E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash')
def the_example_key_has_the_example_answer(server):
    server.get("/echo", *UPGRADE).expect(101).expect_field(
        "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


@states("4.2.2", "taking the SHA-1 hash of this concatenated value to obtain a 20-byte value and base64- encoding "
        "... this 20-byte hash.")
def any_key_is_answered(server):
    for key in ("AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", *(random_key() for _ in range(4))):
        fields = [*without("Sec-WebSocket-Key"), f"Sec-WebSocket-Key: {key}"]
        server.get("/echo", *fields).expect(101).expect_field("Sec-WebSocket-Accept", accept_of(key))


@states("4.2.2", "At this point, the server may begin sending (and receiving) data.")
def frames_may_follow_the_handshake_in_the_same_segment(server):
    peer = server.connect()
    peer.send(peer.upgrade_head("/echo") + frame(TEXT, "early") + frame(TEXT, "bird"))
    peer.read_response().expect(101)
    peer.expect_message("early")
    peer.expect_message("bird")


@must("4.4", "If the server doesn't support the requested version, it MUST respond with a |Sec-WebSocket-Version| "
      "header field (or multiple |Sec-WebSocket-Version| header fields) containing all versions it is willing to "
      "use.")
def after_a_refused_version_the_client_may_try_again(server):
    answer = server.get("/echo", *without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 25").expect(426)
    version = answer.get("Sec-WebSocket-Version")
    peer = server.connect()
    peer.get("/echo", *without("Sec-WebSocket-Version"), f"Sec-WebSocket-Version: {version}").expect(101)
    peer.expect_echo()
