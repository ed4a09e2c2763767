# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 5: field syntax"""

from suite import check, must, must_not, states


@must("5.1", "A server MUST reject, with a response status code of 400 (Bad Request), any received request message "
      "that contains whitespace between a header field name and colon.", {
          "a space": "X : a", "a tab": "X\t: a", "at Host": "Host : x", "at a length": "Content-Length : 0",
          "at a coding": "Transfer-Encoding : chunked"})
def white_space_before_a_colon_is_answered_with_400(server, field):
    peer = server.connect()
    peer.send_lines("GET /healthz HTTP/1.1", "Host: {host}", field)
    peer.expect_refusal(400)


@states("5.1", "A field line value might be preceded and/or followed by optional whitespace (OWS)", {
    "none": "Host:{host}", "a space": "Host: {host}", "a tab": "Host:\t{host}", "several": "Host: \t {host} \t "})
def white_space_around_a_value_does_not_count(server, field):
    server.ask("GET /healthz HTTP/1.1", field).expect(200)


@states("5.1", 'field-line = field-name ":" OWS field-value OWS',
        ["X:", "X: ", "X-!#$%&'*+.^_`|~: all of tchar", "x: a:b:c"])
def a_valid_field_line_is_accepted(server, field):
    server.get("/healthz", field).expect(200)


@must_not("5.2", "A sender MUST NOT generate a message that includes line folding",
          ["/healthz", "/abc.txt", "/nowhere"])
def the_server_folds_no_line(server, path):
    peer = server.connect()
    peer.send_lines(f"GET {path} HTTP/1.1", "Host: {host}")
    head = peer.read_until(b"\r\n\r\n")
    check(b"\r\n " not in head and b"\r\n\t" not in head, f"the head is {head}")


@must("5.2", 'A server that receives an obs-fold in a request message that is not within a "message/http" container '
      "MUST either reject the message by sending a 400 (Bad Request) ... or replace each received obs-fold with one "
      "or more SP octets", {"a space": ["X: a", " b"], "a tab": ["X: a", "\tb"], "an empty value": ["X:", " b"],
                 "at a coding": ["Transfer-Encoding:", " chunked"]})
def a_folded_line_is_answered_with_400(server, lines):
    peer = server.connect()
    peer.send_lines("GET /healthz HTTP/1.1", "Host: {host}", *lines)
    peer.expect_refusal(400)
