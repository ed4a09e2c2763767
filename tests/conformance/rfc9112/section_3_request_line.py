# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 3: the request line"""

from suite import UPGRADE, check, equal, must, should, should_not, states


def refused(server, line, *statuses):
    peer = server.connect()
    peer.send_lines(line, "Host: {host}")
    return peer.expect_refusal(*statuses)


@should("3", "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request) error or a 301 "
        "(Moved Permanently) redirect with the request-target properly encoded.", [
            "GET /healthz", "GET  /healthz HTTP/1.1", "GET /healthz  HTTP/1.1", "GET /healthz HTTP/1.1 ",
            " GET /healthz HTTP/1.1", "GET\t/healthz\tHTTP/1.1", "GET HTTP/1.1", "GET", "/healthz HTTP/1.1",
            "G@T /healthz HTTP/1.1", "GET /heal thz HTTP/1.1", "GET /healthz\x0bHTTP/1.1", "GET /\x00 HTTP/1.1",
            "GET /\x7f HTTP/1.1", "GET /\xe9 HTTP/1.1", "GET healthz HTTP/1.1"])
def an_invalid_request_line_is_answered_with_400(server, line):
    refused(server, line, 400)


@should_not("3", "A recipient SHOULD NOT attempt to autocorrect and then process the request without a redirect", [
    "GET /health z HTTP/1.1", "GET \\healthz HTTP/1.1", "GET /healthz#part HTTP/1.1"])
def no_request_line_is_corrected(server, line):
    refused(server, line, 400)


@should("3", "A server that receives a method longer than any that it implements SHOULD respond with a 501 (Not "
        "Implemented) status code.", [33, 1000])
def a_long_method_is_answered_with_501(server, size):
    refused(server, "M" * size + " /healthz HTTP/1.1", 501)


@must("3", "A server that receives a request-target longer than any URI it wishes to parse MUST respond with a 414 "
      "(URI Too Long) status code")
def a_target_that_is_too_long_is_answered_with_414(server):
    refused(server, f"GET /{'x' * 9000} HTTP/1.1", 414)


@states("3.1", "The request method is case-sensitive.", ["get", "Get"])
def a_method_in_another_case_is_another_method(server, method):
    status = server.ask(f"{method} /healthz HTTP/1.1", "Host: {host}").status
    check(status in (405, 501), f"the status is {status}")


@must("3.2", "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks "
      "a Host header field", ["GET /healthz HTTP/1.1", "GET http://localhost/healthz HTTP/1.1"])
def a_request_without_host_is_answered_with_400(server, line):
    peer = server.connect()
    peer.send_lines(line)
    peer.expect_refusal(400)


@must("3.2", "A server MUST respond with a 400 (Bad Request) status code to ... any request message that contains "
      "more than one Host header field line", {
          "twice the same": ["Host: {host}", "Host: {host}"], "two": ["Host: {host}", "Host: other.example"],
          "in another case": ["Host: {host}", "HOST: {host}"], "apart": ["Host: {host}", "X: 1", "Host: {host}"],
          "in HTTP/1.0": None})
def a_second_host_is_answered_with_400(server, fields):
    peer = server.connect()
    if fields:
        peer.send_lines("GET /healthz HTTP/1.1", *fields)
    else:
        peer.send_lines("GET /healthz HTTP/1.0", "Host: {host}", "Host: {host}")
    peer.expect_refusal(400)


@must("3.2", "A server MUST respond with a 400 (Bad Request) status code to ... a Host header field with an invalid "
      "field value.",
      ["a b", "a/b", "user@host", "host:port", "host:99999", "host:80:80", "[::1", "::1", "a\\b", "a?b",
                 "http://host", "a%", "ho\"st", "[zz]", "host:-1"])
def an_invalid_host_is_answered_with_400(server, host):
    peer = server.connect()
    peer.send_lines("GET /healthz HTTP/1.1", f"Host: {host}")
    peer.expect_refusal(400)


@states("3.2", "A client MUST send a Host header field (Section 7.2 of [HTTP]) in all HTTP/1.1 request messages.",
        ["localhost", "localhost:8080", "127.0.0.1", "[::1]", "[::1]:8080", "EXAMPLE.com", "a.b-c.example."])
def a_valid_host_is_accepted(server, host):
    server.ask("GET /healthz HTTP/1.1", f"Host: {host}").expect(200)


@states("3.2.1", "The most common form of request-target is the origin-form.", [
    "/healthz", "/healthz?", "/healthz?a=b&c=%20", "/healthz?/../?x"])
def the_origin_form_is_answered(server, target):
    server.get(target).expect(200)


@must("3.2.2", "A server MUST accept the absolute-form in requests even though most HTTP/1.1 clients will only send "
      "the absolute-form to a proxy.")
def the_absolute_form_is_answered(server):
    server.ask("GET %s://{host}/healthz HTTP/1.1" % server.scheme, "Host: {host}").expect(200)
    server.ask("GET %s://{host}/healthz?x HTTP/1.1" % server.scheme.upper(), "Host: {host}").expect(200)
    server.ask("GET %s://{host} HTTP/1.1" % server.scheme, "Host: {host}").expect(200)


@must("3.2.2", "When an origin server receives a request with an absolute-form of request-target, the origin server "
      "MUST ignore the received Host header field (if any) and instead use the host information of the "
      "request-target.")
def a_host_that_contradicts_the_target_is_not_followed(server):
    peer = server.connect()
    peer.send_lines("GET %s://{host}/healthz HTTP/1.1" % server.scheme, "Host: other.example")
    answer = peer.read_response()
    # Two readers could take two hosts from this. Refusing it follows neither.
    check(answer.status in (200, 400), f"the status is {answer.status}")


@states("3.2.3", "The authority-form of request-target is only used for CONNECT requests", ["GET", "POST", "OPTIONS"])
def the_authority_form_is_refused(server, method):
    refused(server, method + " localhost:80 HTTP/1.1", 400)


@states("3.2.3", "The authority-form of request-target is only used for CONNECT requests",
        ["localhost:80", "localhost", ":80", "/healthz"])
def a_connect_is_refused(server, target):
    peer = server.connect()
    peer.send_lines(f"CONNECT {target} HTTP/1.1", "Host: {host}")
    status = peer.read_response().status
    check(400 <= status <= 501, f"the status is {status}")


@states("3.2.4", "The asterisk-form of request-target is only used for a server-wide OPTIONS request",
        ["GET", "HEAD", "POST"])
def the_asterisk_form_is_refused(server, method):
    peer = server.connect()
    peer.send_lines(f"{method} * HTTP/1.1", "Host: {host}")
    equal(peer.read_response(bodyless=method == "HEAD").status, 400, "the status")


@states("3.2.4", "When a client wishes to request OPTIONS for the server as a whole, as opposed to a specific named "
        'resource of that server, the client MUST send only "*"')
def options_for_the_server_is_understood(server):
    status = server.ask("OPTIONS * HTTP/1.1", "Host: {host}").status
    check(status in (200, 204), f"the status is {status}")


@states("3.3", "The target URI is the request-target when the request-target is in absolute-form.")
def the_target_uri_may_be_that_of_a_websocket(server):
    server.ask("GET %s://{host}/echo HTTP/1.1" % server.scheme, "Host: {host}", *UPGRADE).expect(101)
