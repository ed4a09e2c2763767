# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 2: message format and parsing"""

from suite import check, must, must_not, should, states

LINE = "GET /healthz HTTP/1.1\r\n"


def answered(server, text):
    """The connection after `text` was sent, "{host}" standing for the server's authority."""
    peer = server.connect()
    peer.send(text.replace("{host}", server.host).encode("latin-1"))
    return peer


@must("2.2", "A recipient MUST parse an HTTP message as a sequence of octets in an encoding that is a superset of "
      "US-ASCII")
def octets_above_127_are_octets(server):
    server.get("/healthz", "X-Latin: \xe9\xff", "X-UTF-8: \xc3\xa9\xe2\x82\xac").expect(200)


@must_not("2.2", "A sender MUST NOT generate a bare CR (a CR character not immediately followed by LF) within any "
          "protocol elements other than the content.", ["/healthz", "/nowhere", "/abc.txt", "/folder", "/echo"])
def no_head_of_the_server_has_a_bare_cr_or_lf(server, path):
    peer = server.connect()
    peer.send_lines(f"GET {path} HTTP/1.1", "Host: {host}")
    head = peer.read_until(b"\r\n\r\n")
    check(b"\r" not in head.replace(b"\r\n", b"") and b"\n" not in head.replace(b"\r\n", b""), f"the head is {head}")


@must("2.2", "A recipient of such a bare CR MUST consider that element to be invalid or replace each bare CR with "
      "SP before processing the element or forwarding the message.", {
          "in a value": LINE + "Host: {host}\r\nX: a\rb\r\n\r\n",
          "in a name": LINE + "Host: {host}\r\nX\rY: a\r\n\r\n",
          "in the request line": "GET /healthz\rHTTP/1.1\r\nHost: {host}\r\n\r\n",
          "before CRLF": LINE + "Host: {host}\r\nX: a\r\r\n\r\n",
          "as a line's end": "GET /healthz HTTP/1.1\rHost: {host}\r\r\n\r\n"})
def a_bare_cr_is_refused(server, text):
    answered(server, text).expect_refusal(400)


@should("2.2", "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty "
        "line (CRLF) received prior to the request-line.")
def an_empty_line_before_a_request_is_ignored(server):
    peer = answered(server, "\r\n" + LINE + "Host: {host}\r\n\r\n")
    peer.read_response().expect(200)
    peer.send(("\r\n" + LINE + f"Host: {server.host}\r\n\r\n").encode())
    peer.read_response().expect(200)


@must("2.2", "A recipient that receives whitespace between the start-line and the first header field MUST either "
      "reject the message as invalid or consume each whitespace-preceded line without further processing of it", {
          "a space": " ", "a tab": "\t", "a folded field": " X: 1\r\n",
          "a smuggled one": "\tTransfer-Encoding: chunked\r\n"})
def white_space_before_the_first_field_is_refused(server, space):
    answered(server, LINE + space + "Host: {host}\r\n\r\n").expect_refusal(400)


@should("2.2", "receives a sequence of octets that does not match the HTTP-message grammar aside from the "
        "robustness exceptions listed above, the server SHOULD respond with a 400 (Bad Request) response and close "
        "the connection.", {
            "noise": "\x01\x02\x03\x04\r\n\r\n",
            "a TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            "a preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "a bare LF": "GET /healthz HTTP/1.1\nHost: {host}\n\n",
            "a bare LF after a field": LINE + "Host: {host}\nX: 1\r\n\r\n",
            "a bare LF as the empty line": LINE + "Host: {host}\r\n\n",
            "a line without a colon": LINE + "Host: {host}\r\nnonsense\r\n\r\n",
            "a field without a name": LINE + "Host: {host}\r\n: x\r\n\r\n",
            "NUL in a value": LINE + "Host: {host}\r\nX: a\0b\r\n\r\n",
            "a control character": LINE + "Host: {host}\r\nX: a\x08b\r\n\r\n",
            "DEL in a value": LINE + "Host: {host}\r\nX: a\x7fb\r\n\r\n",
            "a space in a name": LINE + "Host: {host}\r\nX Y: a\r\n\r\n",
            "a parenthesis in a name": LINE + "Host: {host}\r\nX(Y): a\r\n\r\n",
            "a name above ASCII": LINE + "Host: {host}\r\nX\xe9: a\r\n\r\n"})
def what_is_no_http_is_answered_with_400_and_closed(server, text):
    answer = answered(server, text).expect_refusal(400, 505)
    check(answer.status == 400 or "2.0" in text, f"the status is {answer.status}")


@must("2.2", "A recipient MUST parse an HTTP message as a sequence of octets")
def a_head_may_come_octet_by_octet(server):
    peer = server.connect()
    for octet in (LINE + f"Host: {server.host}\r\n\r\n").encode():
        peer.send(bytes([octet]))
    peer.read_response().expect(200)


@states("2.3", 'HTTP-version = HTTP-name "/" DIGIT "." DIGIT', [
    "http/1.1", "HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTP/+1.1", "HTTPS/1.1", "HTTP/1.1x"])
def a_malformed_version_is_refused(server, version):
    peer = server.connect()
    peer.send_lines(f"GET /healthz {version}", "Host: {host}")
    peer.expect_refusal(400)
