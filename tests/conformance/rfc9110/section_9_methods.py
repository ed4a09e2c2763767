# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 9: methods"""

from suite import check, equal, must, must_not, should, states

PATHS = ["/abc.txt", "/empty.txt", "/healthz", "/", "/folder/"]


@must("9.1", "All general-purpose servers MUST support the methods GET and HEAD.", PATHS)
def get_and_head_are_supported(server, path):
    server.get(path).expect(200)
    server.ask(f"HEAD {path} HTTP/1.1", "Host: {host}").expect(200)


@should("9.1", "An origin server that receives a request method that is unrecognized or not implemented SHOULD "
        "respond with the 501 (Not Implemented) status code.", ["BREW", "get", "PROPFIND", "X"])
def an_unknown_method_is_answered_with_501(server, method):
    server.ask(f"{method} /abc.txt HTTP/1.1", "Host: {host}").expect(501)


@should("9.1", "An origin server that receives a request method that is recognized and implemented, but not allowed "
        "for the target resource, SHOULD respond with the 405 (Method Not Allowed) status code.", {
            f"{method} {path}": (method, path) for method in ("POST", "PUT", "DELETE", "PATCH")
            for path in ("/abc.txt", "/healthz", "/echo")})
def a_method_that_is_not_allowed_is_answered_with_405(server, request):
    method, path = request
    answer = server.ask(f"{method} {path} HTTP/1.1", "Host: {host}", "Content-Length: 0").expect(405)
    check("get" in answer.tokens("Allow"), "Allow does not name GET")


@states("9.2.1", "Request methods are considered safe if their defined semantics are essentially read-only")
def reading_changes_nothing(server):
    first, second = server.get("/abc.txt"), server.get("/abc.txt")
    equal((first.get("ETag"), first.body), (second.get("ETag"), second.body), "the second answer")


@states("9.3.1", "content received in a GET request has no generally defined semantics, cannot alter the meaning or "
        "target of the request")
def content_of_a_get_does_not_alter_it(server):
    peer = server.connect()
    peer.send(f"GET /abc.txt HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 5\r\n\r\nhello".encode())
    check(peer.read_response().status in (200, 400, 413), "another answer")


@must_not("9.3.2", "The HEAD method is identical to GET except that the server MUST NOT send content in the "
          "response.", ["/abc.txt", "/healthz", "/nowhere", "/folder", "/echo", "/%zz"])
def an_answer_to_head_has_no_content(server, path):
    peer = server.connect()
    peer.ask(f"HEAD {path} HTTP/1.1", "Host: {host}", "Connection: close")
    peer.expect_end()


@must_not("9.3.2", "the server MUST NOT send content in the response", {
    "no host": ["HEAD /abc.txt HTTP/1.1"], "two hosts": ["HEAD /abc.txt HTTP/1.1", "Host: a", "Host: b"],
    "a bad field": ["HEAD /abc.txt HTTP/1.1", "Host: {host}", "X : y"],
    "a bad version": ["HEAD /abc.txt HTTP/9.9", "Host: x"]})
def a_refusal_of_a_head_has_no_content(server, lines):
    peer = server.connect()
    peer.ask(*lines)
    peer.expect_end()


@should("9.3.2", "The server SHOULD send the same header fields in response to a HEAD request as it would have sent "
        "if the request method had been GET.", PATHS)
def an_answer_to_head_has_the_fields_of_the_get(server, path):
    full = [field for field in server.get(path).fields if field[0] != "date"]
    head = [field for field in server.ask(f"HEAD {path} HTTP/1.1", "Host: {host}").fields if field[0] != "date"]
    equal(head, full, "the fields")


@must("9.3.6", "A server MUST reject a CONNECT request that targets an empty or invalid port number, typically by "
      "responding with a 400 (Bad Request) status code.",
      ["localhost", "localhost:", "localhost:x", "localhost:99999", "localhost:80"])
def connect_is_rejected(server, target):
    peer = server.connect()
    peer.send_lines(f"CONNECT {target} HTTP/1.1", "Host: {host}")
    status = peer.read_response().status
    check(400 <= status <= 501, f"the status is {status}")


@should("9.3.7", "A server generating a successful response to OPTIONS SHOULD send any header that might indicate "
        "optional features implemented by the server and applicable to the target resource (e.g., Allow)",
        ["*", "/abc.txt", "/healthz", "/echo"])
def options_tells_what_is_allowed(server, target):
    answer = server.ask(f"OPTIONS {target} HTTP/1.1", "Host: {host}")
    check(answer.status in (200, 204, 405) and "get" in answer.tokens("Allow"), f"{answer.status}, {answer.fields}")


@states("9.3.8", "The TRACE method requests a remote, application-level loop-back of the request message.")
def trace_is_not_answered_by_a_loop_back(server):
    answer = server.ask("TRACE /abc.txt HTTP/1.1", "Host: {host}", "X-Secret: secret")
    check(answer.status in (405, 501) and b"secret" not in answer.body, f"the status is {answer.status}")
