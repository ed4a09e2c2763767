# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 7: routing, connection options, Upgrade"""

from suite import UPGRADE, check, equal, must, must_not, should, states


def with_upgrade(value):
    return [f"Upgrade: {value}" if line.startswith("Upgrade") else line for line in UPGRADE]


@states("7.2", 'Host = uri-host [ ":" port ]',
        ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "EXAMPLE.com", "a.b-c.example.",
        "xn--bcher-kva.example"])
def a_valid_host_is_accepted(server, host):
    server.ask("GET /healthz HTTP/1.1", f"Host: {host}").expect(200)


@must("7.4", "Unless the connection is from a trusted gateway, an origin server MUST reject a request if any "
      'scheme-specific requirements for the target URI are not met. In particular, a request for an "https" '
      "resource MUST be rejected unless it has been received over a connection that has been secured via a "
      "certificate valid for that target URI's origin")
def an_https_target_is_rejected_where_nothing_is_encrypted(server):
    if server.tls:
        return
    answer = server.ask("GET https://{host}/abc.txt HTTP/1.1", "Host: {host}")
    check(400 <= answer.status < 500, f"the status is {answer.status}")


@must("7.6.1", "When a field aside from Connection is used to supply control information for or about the current "
      "connection, the sender MUST list the corresponding field name within the Connection header field.", {
          "101": ["GET /echo HTTP/1.1", "Host: {host}", *UPGRADE], "426": ["GET /echo HTTP/1.1", "Host: {host}"],
          "426 for a version": ["GET /echo HTTP/1.1", "Host: {host}", *UPGRADE[:-1], "Sec-WebSocket-Version: 1"]})
def an_upgrade_field_of_ours_is_named_by_connection(server, lines):
    answer = server.ask(*lines)
    check(answer.get("Upgrade") and "upgrade" in answer.tokens("Connection"), f"the fields are {answer.fields}")


@states("7.6.1", "Connection options are case-insensitive.", ["CLOSE", "Close", "cLoSe"])
def a_connection_option_counts_in_any_case(server, option):
    peer = server.connect()
    peer.get("/healthz", f"Connection: {option}").expect(200)
    peer.expect_end()


@should("7.8", "recipients SHOULD use case-insensitive comparison when matching each protocol-name to supported "
        "protocols.", ["WebSocket", "WEBSOCKET"])
def the_name_of_the_protocol_counts_in_any_case(server, name):
    server.get("/echo", *with_upgrade(name)).expect(101)


@must("7.8", "A server that sends a 101 (Switching Protocols) response MUST send an Upgrade header field to "
      "indicate the new protocol(s) to which the connection is being switched")
def a_101_names_the_protocol(server):
    equal(server.get("/echo", *UPGRADE).expect(101).tokens("Upgrade"), ["websocket"], "Upgrade")


@must_not("7.8", "A server MUST NOT switch to a protocol that was not indicated by the client in the corresponding "
          "request's Upgrade header field.", ["h2c", "TLS/1.3", "websockets", "web socket", "websocket/13", ""])
def a_protocol_that_was_not_named_is_not_switched_to(server, value):
    check(server.get("/echo", *with_upgrade(value)).status != 101, "the server switched")


@states("7.8", "A client MAY send a list of protocol names in the Upgrade header field of a request to invite the "
        "server to switch to one or more of the named protocols", ["websocket, IRC/6.9, RTA/x11", "h2c, websocket"])
def one_of_several_protocols_is_switched_to(server, value):
    equal(server.get("/echo", *with_upgrade(value)).expect(101).tokens("Upgrade"), ["websocket"], "Upgrade")


@states("7.8", "A server MAY ignore a received Upgrade header field if it wishes to continue using the current "
        "protocol on that connection.",
        {"a protocol": ["Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"],
                        "a WebSocket": UPGRADE})
def an_upgrade_on_a_file_is_ignored(server, fields):
    server.get("/abc.txt", *fields).expect(200)


@must("7.8", "A server that sends a 426 (Upgrade Required) response MUST send an Upgrade header field to indicate "
      "the acceptable protocols, in order of descending preference.")
def a_426_names_the_protocol(server):
    equal(server.get("/echo").expect(426).tokens("Upgrade"), ["websocket"], "Upgrade")


@must_not("7.8", "A server MUST NOT switch protocols unless the received message semantics can be honored by the "
          "new protocol", ["POST", "PUT", "DELETE", "HEAD"])
def no_other_method_switches(server, method):
    check(server.ask(f"{method} /echo HTTP/1.1", "Host: {host}", *UPGRADE).status != 101, "the server switched")


@must("7.8", "A server that receives an Upgrade header field in an HTTP/1.0 request MUST ignore that Upgrade field.")
def an_upgrade_in_http_1_0_is_ignored(server):
    check(server.ask("GET /echo HTTP/1.0", "Host: {host}", *UPGRADE).status != 101, "the server switched")
    server.ask("GET /abc.txt HTTP/1.0", "Host: {host}", *UPGRADE).expect(200)


@must("7.8", 'A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection header field')
def an_upgrade_that_connection_does_not_name_is_not_followed(server):
    fields = [line for line in UPGRADE if not line.startswith("Connection")]
    check(server.get("/echo", *fields).status != 101, "the server switched")


@must("7.8", 'If a server receives both an Upgrade and an Expect header field with the "100-continue" expectation '
      "(Section 10.1.1), the server MUST send a 100 (Continue) response before sending a 101 (Switching Protocols) "
      "response.")
def no_101_comes_before_a_100_that_was_expected(server):
    peer = server.connect()
    answer = peer.get("/echo", *UPGRADE, "Expect: 100-continue")
    check(answer.status != 101, "the server switched at once")
