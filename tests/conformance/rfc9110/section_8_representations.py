# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 8: representation data and metadata"""

import os
from email.utils import parsedate_to_datetime

from suite import UPGRADE, check, equal, must, must_not, should, states

BODIES = ["/abc.txt", "/healthz", "/nowhere", "/echo", "/folder"]


@should("8.3", "A sender that generates a message containing content SHOULD generate a Content-Type header field in "
        "that message unless the intended media type of the enclosed representation is unknown to the sender.",
        BODIES)
def what_has_content_has_a_type(server, path):
    answer = server.get(path)
    check(not answer.body or answer.get("Content-Type"), "there is no Content-Type")


@must_not("8.6", "a server MUST NOT send Content-Length in such a response unless its field value equals the "
          "decimal number of octets that would have been sent in the content of a response if the same request had "
          "used the GET method.", ["/abc.txt", "/empty.txt", "/healthz", "/nowhere", "/echo"])
def the_length_of_a_head_is_that_of_the_get(server, path):
    full = server.get(path)
    head = server.ask(f"HEAD {path} HTTP/1.1", "Host: {host}")
    if head.status == full.status:
        equal(head.get("Content-Length"), str(len(full.body)), "Content-Length")


@must_not("8.6", "A server MAY send a Content-Length header field in a 304 (Not Modified) response to a conditional "
          "GET request (Section 15.4.5); a server MUST NOT send Content-Length in such a response unless its field "
          "value equals the decimal number of octets that would have been sent in the content of a 200 (OK) "
          "response to the same request.")
def a_304_has_no_other_length(server):
    length = server.get("/abc.txt", "If-None-Match: *").expect(304).get("Content-Length")
    check(length in (None, "26"), f"Content-Length is {length}")


@must_not("8.6", "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx "
          "(Informational) or 204 (No Content).")
def a_101_has_no_length(server):
    server.get("/echo", *UPGRADE).expect(101).expect_field("Content-Length", None)


@should("8.6", "an origin server SHOULD send a Content-Length header field when the content size is known prior to "
        "sending the complete header section.", BODIES)
def what_has_content_has_a_length(server, path):
    answer = server.get(path)
    equal(answer.get("Content-Length"), str(len(answer.body)), "Content-Length")


@must("8.6", "Since there is no predefined limit to the length of content, a recipient MUST anticipate potentially "
      "large decimal numerals and prevent parsing errors due to integer conversion overflows",
      ["18446744073709551617", "9" * 30])
def a_length_that_overflows_is_refused(server, value):
    peer = server.connect()
    peer.send_lines("POST /healthz HTTP/1.1", "Host: {host}", f"Content-Length: {value}")
    peer.expect_refusal(400, 413)


@should("8.8.2.1", "An origin server SHOULD send Last-Modified for any selected representation for which a last "
        "modification date can be reasonably and consistently determined")
def a_file_has_a_last_modified(server):
    found = parsedate_to_datetime(server.get("/abc.txt").get("Last-Modified")).timestamp()
    path = server.target.daemon.folder / "site/abc.txt"
    equal(found, int(path.stat().st_mtime), "Last-Modified")


@must_not("8.8.2.1", "An origin server with a clock (as defined in Section 5.6.7) MUST NOT generate a Last-Modified "
          "date that is later than the server's time of message origination (Date, Section 6.6.1).")
def last_modified_is_never_after_date(server):
    path = server.target.daemon.folder / f"site/future-{server.random.getrandbits(64)}.txt"
    path.write_bytes(b"from the future")
    os.utime(path, (4102444800, 4102444800))  # 2100
    answer = server.get("/" + path.name).expect(200)
    modified, date = (parsedate_to_datetime(answer.get(name)) for name in ("Last-Modified", "Date"))
    check(modified <= date, f"Last-Modified is {modified}, Date {date}")


@should("8.8.3", "An origin server SHOULD send an ETag for any selected representation for which detection of "
        "changes can be reasonably and consistently determined", ["/abc.txt", "/empty.txt", "/"])
def a_file_has_an_entity_tag(server, path):
    etag = server.get(path).get("ETag")
    check(etag and etag.removeprefix("W/")[0] == etag[-1] == '"', f"the ETag is {etag!r}")


@states("8.8.3", "An entity tag consists of an opaque quoted string, possibly prefixed by a weakness indicator.")
def an_entity_tag_changes_with_the_file(server):
    path = server.target.daemon.folder / f"site/changing-{server.random.getrandbits(64)}.txt"
    path.write_bytes(b"one")
    first = server.get("/" + path.name).get("ETag")
    path.write_bytes(b"two, longer")
    check(server.get("/" + path.name).get("ETag") != first, "it is the same")


@must("8.8.3", "If an origin server provides an entity tag for a representation and the generation of that entity "
      "tag does not satisfy all of the characteristics of a strong validator (Section 8.8.1), then the origin "
      'server MUST mark the entity tag as weak by prefixing its opaque value with "W/"')
def a_strong_tag_changes_with_every_octet(server):
    path = server.target.daemon.folder / f"site/octet-{server.random.getrandbits(64)}.txt"
    path.write_bytes(b"one")
    first = server.get("/" + path.name).get("ETag")
    path.write_bytes(b"two")
    second = server.get("/" + path.name).get("ETag")
    check(first.startswith("W/") or first != second, "another content has the same strong tag")
