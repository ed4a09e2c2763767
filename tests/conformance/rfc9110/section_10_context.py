# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 10: message context: Expect, Allow, Location"""

from suite import check, must, should_not, states


@must("10.1.1", "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that "
      "expectation.")
def an_expectation_in_http_1_0_is_ignored(server):
    server.ask("GET /abc.txt HTTP/1.0", "Host: {host}", "Expect: 100-continue").expect(200)


@must("10.1.1", "Upon receiving an HTTP/1.1 (or later) request that has a method, target URI, and complete header "
      "section that contains a 100-continue expectation and an indication that request content will follow, an "
      "origin server MUST send either", {"a length": "Content-Length: 5", "chunks": "Transfer-Encoding: chunked"})
def a_final_status_comes_without_waiting_for_the_content(server, field):
    peer = server.connect()
    peer.send_lines("POST /abc.txt HTTP/1.1", "Host: {host}", field, "Expect: 100-continue")
    answer = peer.read_response()
    check(answer.status == 100 or answer.status >= 400, f"the status is {answer.status}")


@states("10.1.1", "A server MAY omit sending a 100 (Continue) response if ... the framing indicates that there is "
        "no content.")
def an_expectation_without_content_is_answered(server):
    answer = server.get("/abc.txt", "Expect: 100-continue")
    check(answer.status in (100, 200), f"the status is {answer.status}")


@states("10.1.1", "A server that receives an Expect field value containing a member other than 100-continue MAY "
        "respond with a 417 (Expectation Failed) status code")
def another_expectation_is_not_met_silently(server):
    answer = server.get("/abc.txt", "Expect: the-unexpected")
    check(answer.status in (200, 417), f"the status is {answer.status}")


@states("10.1.1", "The Expect field value is case-insensitive.")
def an_expectation_counts_in_any_case(server):
    peer = server.connect()
    peer.send_lines("POST /abc.txt HTTP/1.1", "Host: {host}", "Content-Length: 5", "expect: 100-CONTINUE")
    check(peer.read_response().status != 417, "the expectation was not met")


@must("10.2.1", "An origin server MUST generate an Allow header field in a 405 (Method Not Allowed) response",
      ["/abc.txt", "/healthz", "/echo", "/room/x", "/mute"])
def a_405_says_what_is_allowed(server, path):
    answer = server.ask(f"DELETE {path} HTTP/1.1", "Host: {host}").expect(405)
    check("get" in answer.tokens("Allow"), f"Allow is {answer.get('Allow')!r}")


@states("10.2.2", "Location = URI-reference")
def a_redirection_stays_on_this_server(server):
    answer = server.get("/folder?x=1").expect(301)
    check(answer.get("Location") in ("/folder/?x=1", "/folder/"), f"Location is {answer.get('Location')!r}")


@should_not("10.2.4", "An origin server SHOULD NOT generate a Server header field containing needlessly "
            "fine-grained detail", ["/abc.txt", "/nowhere", "/%zz"])
def nothing_tells_the_version_of_the_server(server, path):
    value = server.get(path).get("Server")
    check(not value or not any(c.isdigit() for c in value), f"Server is {value!r}")
