# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 6: the message body

What stands behind a head must never be taken for the next request.
"""

from suite import UPGRADE, check, equal, must, must_not, should, states

NEXT = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def refused(server, *fields, statuses=(400,), body="", method="POST", version="HTTP/1.1"):
    peer = server.connect()
    lines = (f"{method} /healthz {version}", f"Host: {server.host}", *fields, "", body)
    peer.send("\r\n".join(lines).encode("latin-1"))
    return peer.expect_refusal(*statuses)


@must_not("6.1", "A server MUST NOT send a Transfer-Encoding header field in any response with a status code of 1xx "
          "(Informational) or 204 (No Content).")
def a_101_has_no_transfer_encoding(server):
    server.get("/echo", *UPGRADE).expect(101).expect_field("Transfer-Encoding", None)


@must_not("6.1", "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request "
          "indicates HTTP/1.1 (or later minor revisions).", ["/healthz", "/abc.txt", "/nowhere"])
def an_answer_to_http_1_0_has_no_transfer_encoding(server, path):
    server.ask(f"GET {path} HTTP/1.0", "Host: {host}").expect_field("Transfer-Encoding", None)


@should("6.1", "A server that receives a request message with a transfer coding it does not understand SHOULD "
        "respond with 501 (Not Implemented).", ["gzip, chunked", "deflate, chunked", "unknown, chunked"])
def an_unknown_coding_is_answered_with_501(server, value):
    refused(server, f"Transfer-Encoding: {value}", statuses=(501,), body="0\r\n\r\n")


@must("6.1", "the server MUST close the connection after responding to such a request to avoid the potential "
      "attacks.", {
    "the length first": ["Content-Length: 4", "Transfer-Encoding: chunked"],
    "the coding first": ["Transfer-Encoding: chunked", "Content-Length: 4"],
    "a length of nothing": ["Content-Length: 0", "Transfer-Encoding: chunked"]})
def a_length_and_a_coding_together_end_the_connection(server, fields):
    refused(server, *fields, body="0\r\n\r\n" + NEXT)


@must("6.1", "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST "
      "treat the message as if the framing is faulty, even if a Content-Length is present, and close the connection "
      "after processing the message.")
def a_transfer_encoding_in_http_1_0_ends_the_connection(server):
    refused(server, "Transfer-Encoding: chunked", "Connection: keep-alive", body="0\r\n\r\n" + NEXT,
    version="HTTP/1.0")


@must_not("6.2", "A sender MUST NOT send a Content-Length header field in any message that contains a "
          "Transfer-Encoding header field.", ["/healthz", "/abc.txt", "/nowhere", "/echo"])
def no_answer_has_both_a_length_and_a_coding(server, path):
    answer = server.get(path)
    check(not (answer.all("Content-Length") and answer.all("Transfer-Encoding")), "it has both")


@states("6.3", "Any response to a HEAD request and any response with a 1xx (Informational), 204 (No Content), or "
        "304 (Not Modified) status code is always terminated by the first empty line after the header fields", [
            "/healthz", "/abc.txt", "/nowhere", "/echo"])
def after_a_head_the_next_answer_begins_at_once(server, path):
    peer = server.connect()
    peer.ask(f"HEAD {path} HTTP/1.1", "Host: {host}")
    peer.get("/healthz").expect(200)


@must("6.3", "If a Transfer-Encoding header field is present in a request and the chunked transfer coding is not "
      "the final encoding, the message body length cannot be determined reliably; the server MUST respond with the "
      "400 (Bad Request) status code and then close the connection.", [
          "gzip", "identity", "chunked, gzip", "chunked, identity", "xchunked", "chunkedx", "chunked;q=1",
          "\"chunked\"", ""])
def a_coding_that_does_not_end_in_chunked_is_refused(server, value):
    refused(server, f"Transfer-Encoding: {value}", statuses=(400, 501), body=NEXT)


@must_not("6.1", "A sender MUST NOT apply the chunked transfer coding more than once to a message body",
          ["chunked, chunked", "chunked,,chunked"])
def chunked_twice_is_refused(server, value):
    refused(server, f"Transfer-Encoding: {value}", statuses=(400, 501), body="0\r\n\r\n" + NEXT)


@must("6.3", "If a message is received without Transfer-Encoding and with an invalid Content-Length header field, "
      "then the message framing is invalid and the recipient MUST treat it as an unrecoverable error", [
          "", "-1", "+1", "1 2", "0x1", "1.0", "one", "4, 5", "4,", ",4", "18446744073709551616", "9" * 40, "4;x",
          "\xb2"])
def an_invalid_length_is_answered_with_400(server, value):
    refused(server, f"Content-Length: {value}", statuses=(400, 413), body=NEXT)


@must("6.3", "If a message is received ... with an invalid Content-Length header field, then the message framing is "
      "invalid and the recipient MUST treat it as an unrecoverable error", {
          "two": ["Content-Length: 4", "Content-Length: 5"],
          "twice the same": ["Content-Length: 4", "Content-Length: 4"]})
def several_lengths_are_answered_with_400(server, fields):
    refused(server, *fields, body="abcd" + NEXT)


@must("6.3", "If the sender closes the connection or the recipient times out before the indicated number of octets "
      "are received, the recipient MUST consider the message to be incomplete and close the connection.")
def a_body_that_is_cut_off_ends_the_connection(server):
    peer = server.connect()
    peer.send(f"POST /healthz HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 100\r\n\r\nabc".encode())
    peer.shut_down()
    answer = peer.read_to_end()
    check(answer.count(b"HTTP/1.1 ") <= 1, f"there are several answers: {answer}")


@states("6.3", "If this is a request message and none of the above are true, then the message body length is zero "
        "(no message body is present).")
def without_either_field_there_is_no_body(server):
    peer = server.connect()
    peer.send((f"GET /healthz HTTP/1.1\r\nHost: {server.host}\r\n\r\n" + NEXT).encode())
    peer.read_response().expect(200)
    peer.read_response().expect(200)


@should("6.3", "a server SHOULD generate encoding or length-delimited messages whenever possible.",
        ["/healthz", "/abc.txt", "/empty.txt", "/folder", "/nowhere", "/echo"])
def every_answer_has_a_length(server, path):
    answer = server.get(path)  # Peer.read_response() demands one
    equal(len(answer.body), int(answer.get("Content-Length")), "the length of the body")
