# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 6: message abstraction"""

import time
from email.utils import parsedate_to_datetime

from suite import UPGRADE, check, equal, must, must_not, should, should_but


@should("6.2", "A server SHOULD send a response version equal to the highest version to which the server is "
        "conformant that has a major version less than or equal to the one received in the request.",
        ["HTTP/1.0", "HTTP/1.1"])
def the_answer_is_in_http_1_1(server, version):
    peer = server.connect()
    peer.send_lines(f"GET /healthz {version}", "Host: {host}")
    equal(peer.read_until(b"\r\n")[:9], b"HTTP/1.1 ", "the version")


@must_not("6.2", "A server MUST NOT send a version to which it is not conformant.",
          ["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9"])
def another_major_version_is_refused_in_ours(server, version):
    peer = server.connect()
    peer.send_lines(f"GET /healthz {version}", "Host: {host}")
    peer.expect_refusal(400, 505)


@should_but("6.2", "A recipient that receives a message with a major version number that it implements and a minor "
            "version number higher than what it implements SHOULD process the message as if it were in the highest "
            "minor version within that major version to which the recipient is conformant.",
            "no HTTP/1.2 will ever be, and proxies differ in what they make of it", ["HTTP/1.2", "HTTP/1.9"])
def a_higher_minor_version_is_refused(server, version):
    peer = server.connect()
    peer.send_lines(f"GET /healthz {version}", "Host: {host}")
    peer.expect_refusal(505)


ANSWERS = {
    "200": ["GET /abc.txt HTTP/1.1", "Host: {host}"], "200 of health": ["GET /healthz HTTP/1.1", "Host: {host}"],
    "206": ["GET /abc.txt HTTP/1.1", "Host: {host}", "Range: bytes=0-1"],
    "301": ["GET /folder HTTP/1.1", "Host: {host}"],
    "304": ["GET /abc.txt HTTP/1.1", "Host: {host}", "If-None-Match: *"],
    "400": ["GET /abc.txt HTTP/1.1"], "403": ["GET /listed HTTP/1.1", "Host: {host}", *UPGRADE, "Origin: null"],
    "404": ["GET /nowhere HTTP/1.1", "Host: {host}"], "405": ["DELETE /abc.txt HTTP/1.1", "Host: {host}"],
    "412": ["GET /abc.txt HTTP/1.1", "Host: {host}", 'If-Match: "no"'],
    "414": [f"GET /{'x' * 9000} HTTP/1.1", "Host: {host}"],
    "416": ["GET /abc.txt HTTP/1.1", "Host: {host}", "Range: bytes=99-"],
    "426": ["GET /echo HTTP/1.1", "Host: {host}"],
    "431": ["GET /abc.txt HTTP/1.1", "Host: {host}", "X: " + "x" * 9000],
}


@must("6.6.1", "An origin server with a clock (as defined in Section 5.6.7) MUST generate a Date header field in "
      "all 2xx (Successful), 3xx (Redirection), and 4xx (Client Error) responses", ANSWERS)
def this_answer_has_a_date(server, lines):
    answer = server.ask(*lines)
    check(answer.get("Date"), f"the {answer.status} has no Date")


@should("6.6.1", "A sender that generates a Date header field SHOULD generate its field value as the best available "
        "approximation of the date and time of message generation.")
def the_date_is_now(server):
    before = int(time.time())
    date = parsedate_to_datetime(server.get("/healthz").get("Date")).timestamp()
    check(before - 1 <= date <= time.time() + 1, f"the date is {date - before} s away")
