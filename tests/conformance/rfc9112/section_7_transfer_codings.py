# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 7: the chunked transfer coding"""

from suite import check, must, states

NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def answers_to(server, body):
    """How many answers a chunked POST and what follows it get before the connection ends or waits."""
    peer = server.connect()
    peer.send(f"POST /healthz HTTP/1.1\r\nHost: {server.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body)
    first = peer.read_response()
    peer.shut_down()
    return first.status, peer.read_to_end().count(b"HTTP/1.1 200")


@must("7.1", "A recipient MUST be able to parse and decode the chunked transfer coding.", {
    "one chunk": b"5\r\nhello\r\n0\r\n\r\n", "no chunk": b"0\r\n\r\n",
    "trailers": b"1\r\nx\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "an extension": b"5;name=value\r\nhello\r\n0\r\n\r\n", "many": b"1\r\nx\r\n" * 50 + b"0\r\n\r\n",
    "upper case": b"A\r\n0123456789\r\n0\r\n\r\n"})
def a_chunked_body_is_not_taken_for_a_request(server, body):
    status, more = answers_to(server, body + NEXT)
    check(status < 500 or status == 501, f"the status is {status}")
    check(more <= 1, f"{more} answers came after the first")


@must("7.1", "recipients MUST anticipate potentially large hexadecimal numerals and prevent parsing errors due to "
      "integer conversion overflows or precision loss due to integer representation.", {
          "2^64": b"10000000000000000\r\n", "many digits": b"f" * 40 + b"\r\n",
          "2^64+0": b"10000000000000000\r\n\r\n"})
def a_chunk_size_that_overflows_is_refused(server, body):
    _, more = answers_to(server, body + NEXT)
    check(more == 0, "what followed was taken for a request")


@states("7.1", "chunk-size = 1*HEXDIG", {
    "a sign": b"+5\r\nhello\r\n0\r\n\r\n", "0x": b"0x5\r\nhello\r\n0\r\n\r\n", "nothing": b"\r\n\r\n",
    "white space": b" 5\r\nhello\r\n0\r\n\r\n", "a bare LF": b"5\nhello\n0\n\n",
    "no end of the data": b"5\r\nhelloX0\r\n\r\n",
    "underscores": b"1_0\r\nhello\r\n0\r\n\r\n", "a negative size": b"-1\r\nhello\r\n0\r\n\r\n"})
def a_malformed_chunk_ends_the_connection(server, body):
    _, more = answers_to(server, body + NEXT)
    check(more == 0, "what followed was taken for a request")
