# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 15: status codes"""

from suite import UPGRADE, check, equal, must, must_not, should, should_not


@must_not("15.2", "a server MUST NOT send a 1xx response to an HTTP/1.0 client.", {
    "an upgrade": ["GET /echo HTTP/1.0", "Host: {host}", *UPGRADE],
    "an expectation": ["POST /abc.txt HTTP/1.0", "Host: {host}", "Content-Length: 3", "Expect: 100-continue"]})
def http_1_0_gets_no_1xx(server, lines):
    check(server.ask(*lines).status >= 200, "it did")


@must("15.2.2", "The server MUST generate an Upgrade header field in the response that indicates which protocol(s) "
      "will be in effect after this response.")
def a_101_has_an_upgrade_field(server):
    equal(server.get("/echo", *UPGRADE).expect(101).get("Upgrade").lower(), "websocket", "Upgrade")


@should("15.3.1", "In 200 responses to GET or HEAD, an origin server SHOULD send any available validator fields "
        "(Section 8.8) for the selected representation, with both a strong entity tag and a Last-Modified date "
        "being preferred.", ["GET", "HEAD"])
def a_200_has_validators(server, method):
    answer = server.ask(f"{method} /abc.txt HTTP/1.1", "Host: {host}").expect(200)
    check(answer.get("ETag") and answer.get("Last-Modified"), f"the fields are {answer.fields}")


@must("15.3.7", "A server that generates a 206 response MUST generate the following header fields, in addition to "
      "those required in the subsections below, if the field would have been sent in a 200 (OK) response to the "
      "same request: Date, Cache-Control, ETag, Expires, Content-Location, and Vary.")
def a_206_has_what_a_200_would_have(server):
    full, part = server.get("/abc.txt"), server.get("/abc.txt", "Range: bytes=0-1").expect(206)
    check(part.get("Date"), "there is no Date")
    for name in ("Cache-Control", "ETag", "Expires", "Content-Location", "Vary", "Content-Type"):
        equal(part.get(name), full.get(name), name)


@should_not("15.3.7", "A sender that generates a 206 response to a request with an If-Range header field SHOULD NOT "
            "generate other representation header fields beyond those required")
def a_206_by_if_range_repeats_nothing(server):
    etag = server.get("/abc.txt").get("ETag")
    answer = server.get("/abc.txt", "Range: bytes=0-1", f"If-Range: {etag}").expect(206)
    for name in ("Content-Type", "Last-Modified", "Content-Encoding", "Content-Language"):
        equal(answer.get(name), None, name)


@must("15.3.7.1", "If a single part is being transferred, the server generating the 206 response MUST generate a "
      "Content-Range header field, describing what range of the selected representation is enclosed, and a content "
      "consisting of the range.")
def a_206_has_a_content_range_and_the_part(server):
    answer = server.get("/abc.txt", "Range: bytes=7-9").expect(206)
    equal((answer.get("Content-Range"), answer.body), ("bytes 7-9/26", b"hij"), "the part")


@should("15.4.2", "The server SHOULD generate a Location header field in the response containing a preferred URI "
        "reference for the new permanent URI.")
def a_301_has_a_location(server):
    check(server.get("/folder").expect(301).get("Location"), "there is no Location")


@must("15.4.5", "The server generating a 304 response MUST generate any of the following header fields that would "
      "have been sent in a 200 (OK) response to the same request:")
def a_304_has_what_caches_need(server):
    full, answer = server.get("/abc.txt"), server.get("/abc.txt", "If-None-Match: *").expect(304)
    check(answer.get("Date"), "there is no Date")
    for name in ("Content-Location", "ETag", "Vary", "Cache-Control", "Expires"):
        equal(answer.get(name), full.get(name), name)


@should_not("15.4.5", "a sender SHOULD NOT generate representation metadata other than the above listed fields "
            "unless said metadata exists for the purpose of guiding cache updates")
def a_304_has_nothing_about_its_content(server):
    answer = server.get("/abc.txt", "If-None-Match: *").expect(304)
    for name in ("Content-Type", "Content-Encoding", "Content-Range", "Content-Language"):
        equal(answer.get(name), None, name)


REFUSALS = {
    "400": ["GET /healthz HTTP/1.1"], "403": ["GET /listed HTTP/1.1", "Host: {host}", *UPGRADE, "Origin: null"],
    "404": ["GET /nowhere HTTP/1.1", "Host: {host}"], "405": ["DELETE /abc.txt HTTP/1.1", "Host: {host}"],
    "412": ["GET /abc.txt HTTP/1.1", "Host: {host}", 'If-Match: "no"'],
    "416": ["GET /abc.txt HTTP/1.1", "Host: {host}", "Range: bytes=99-"],
    "426": ["GET /echo HTTP/1.1", "Host: {host}"], "431": ["GET / HTTP/1.1", "Host: {host}", "X: " + "x" * 9000],
}


@should("15.5", "Except when responding to a HEAD request, the server SHOULD send a representation containing an "
        "explanation of the error situation, and whether it is a temporary or permanent condition.", REFUSALS)
def a_4xx_says_what_was_wrong(server, lines):
    answer = server.ask(*lines)
    check(400 <= answer.status < 500, f"the status is {answer.status}")
    check(len(answer.body) > 5 and answer.get("Content-Type").startswith("text/plain"),
          f"the body is {answer.body!r}")


@must("15.5.6", "The origin server MUST generate an Allow header field in a 405 response containing a list of the "
      "target resource's currently supported methods.")
def the_methods_of_a_405_work(server):
    answer = server.ask("DELETE /abc.txt HTTP/1.1", "Host: {host}").expect(405)
    for method in answer.tokens("Allow"):
        status = server.ask(f"{method.upper()} /abc.txt HTTP/1.1", "Host: {host}").status
        check(status // 100 == 2, f"{method} is answered with {status}")


@should("15.5.17", "A server that generates a 416 response to a byte-range request SHOULD generate a Content-Range "
        "header field specifying the current length of the selected representation")
def a_416_tells_the_length(server):
    server.get("/abc.txt", "Range: bytes=99-").expect(416).expect_field("Content-Range", "bytes */26")


@must("15.5.22", "The server MUST send an Upgrade header field in a 426 response to indicate the required "
      "protocol(s)")
def a_426_has_an_upgrade_field(server):
    answer = server.get("/echo").expect(426)
    equal(answer.get("Upgrade").lower(), "websocket", "Upgrade")
    check("upgrade" in answer.tokens("Connection"), "Connection does not name it")


@should("15.6", "Except when responding to a HEAD request, the server SHOULD send a representation containing an "
        "explanation of the error situation", {"501": "BREW /abc.txt HTTP/1.1", "505": "GET /abc.txt HTTP/2.0"})
def a_5xx_says_what_was_wrong(server, line):
    answer = server.ask(line, "Host: {host}")
    check(answer.status in (501, 505) and len(answer.body) > 5, f"{answer.status}, {answer.body!r}")
