# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 13: conditional requests, on the files of a route"""

from suite import equal, must, must_not, should, states

PATH = "/abc.txt"
PAST = "Sat, 01 Jan 2000 00:00:00 GMT"
FUTURE = "Fri, 31 Dec 2099 23:59:59 GMT"
INVALID_DATES = ["yesterday", "2000-01-01", "0", "Sat, 01 Jan 2000", "Sat, 32 Jan 2000 00:00:00 GMT",
                 "Sat, 01 Jan 2000 00:00:00 PST", ""]


def etag_of(server):
    return server.get(PATH).get("ETag")


def status(server, *fields, method="GET"):
    return server.ask(f"{method} {PATH} HTTP/1.1", "Host: {host}", *fields).status


@must("13.1.1", "When an origin server receives a request that selects a representation and that request includes "
      "an If-Match header field, the origin server MUST evaluate the If-Match condition per Section 13.2 prior to "
      "performing the method.")
def if_match_is_evaluated(server):
    etag = etag_of(server)
    equal(status(server, f"If-Match: {etag}"), 200, "with the tag")
    equal(status(server, f'If-Match: "a", {etag}, "b"'), 200, "with the tag in a list")
    equal(status(server, "If-Match: *"), 200, "with a star")


@must_not("13.1.1", "An origin server that evaluates an If-Match condition MUST NOT perform the requested method if "
          "the condition evaluates to false.", ["GET", "HEAD"])
def if_match_that_fails_is_answered_with_412(server, method):
    equal(status(server, 'If-Match: "another"', method=method), 412, "the status")


@must("13.1.1", "An origin server MUST use the strong comparison function when comparing entity tags for If-Match")
def if_match_compares_strongly(server):
    equal(status(server, f"If-Match: W/{etag_of(server).removeprefix('W/')}"), 412, "with a weak tag")


@must("13.1.2", "When an origin server receives a request that selects a representation and that request includes "
      "an If-None-Match header field, the origin server MUST evaluate the If-None-Match condition per Section 13.2 "
      "prior to performing the method.")
def if_none_match_is_evaluated(server):
    etag = etag_of(server)
    equal(status(server, f"If-None-Match: {etag}"), 304, "with the tag")
    equal(status(server, f'If-None-Match: "a", {etag}'), 304, "with the tag in a list")
    equal(status(server, 'If-None-Match: "a"', f"If-None-Match: {etag}"), 304, "with the tag in a second field")
    equal(status(server, "If-None-Match: *"), 304, "with a star")
    equal(status(server, 'If-None-Match: "another"'), 200, "with another tag")


@must("13.1.2", "A recipient MUST use the weak comparison function when comparing entity tags for If-None-Match")
def if_none_match_compares_weakly(server):
    equal(status(server, f"If-None-Match: W/{etag_of(server).removeprefix('W/')}"), 304, "with a weak tag")


@must("13.1.2", "the origin server MUST respond with either a) the 304 (Not Modified) status code if the request "
      "method is GET or HEAD", ["GET", "HEAD"])
def if_none_match_that_fails_is_answered_with_304(server, method):
    equal(status(server, f"If-None-Match: {etag_of(server)}", method=method), 304, "the status")


@must("13.1.3", "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field")
def if_modified_since_is_ignored_beside_if_none_match(server):
    equal(status(server, f"If-Modified-Since: {FUTURE}", 'If-None-Match: "another"'), 200, "the status")
    equal(status(server, f"If-Modified-Since: {PAST}", f"If-None-Match: {etag_of(server)}"), 304, "the status")


@must("13.1.3", "A recipient MUST ignore the If-Modified-Since header field if the received field value is not a "
      "valid HTTP-date", INVALID_DATES)
def if_modified_since_without_a_date_is_ignored(server, date):
    equal(status(server, f"If-Modified-Since: {date}"), 200, "the status")


@must("13.1.3", "A recipient MUST ignore the If-Modified-Since header field if ... the request method is neither "
      "GET nor HEAD.")
def if_modified_since_is_for_get_and_head(server):
    equal(status(server, f"If-Modified-Since: {FUTURE}", "Content-Length: 0", method="POST"), 405, "the status")


@must("13.1.3", "A recipient MUST ignore the If-Modified-Since header field if the resource does not have a "
      "modification date available.")
def if_modified_since_is_ignored_without_a_date_of_ours(server):
    server.get("/healthz", f"If-Modified-Since: {FUTURE}").expect(200)


@should("13.1.3", "an If-Modified-Since header field without an If-None-Match header field, the origin server "
        "SHOULD evaluate the If-Modified-Since condition per Section 13.2 prior to performing the method.")
def if_modified_since_is_evaluated(server):
    modified = server.get(PATH).get("Last-Modified")
    equal(status(server, f"If-Modified-Since: {modified}"), 304, "with the same date")
    equal(status(server, f"If-Modified-Since: {FUTURE}"), 304, "with a later date")
    equal(status(server, f"If-Modified-Since: {PAST}"), 200, "with an earlier date")


@must("13.1.4", "A recipient MUST ignore If-Unmodified-Since if the request contains an If-Match header field")
def if_unmodified_since_is_ignored_beside_if_match(server):
    equal(status(server, f"If-Unmodified-Since: {PAST}", f"If-Match: {etag_of(server)}"), 200, "the status")


@must("13.1.4", "A recipient MUST ignore the If-Unmodified-Since header field if the received field value is not a "
      "valid HTTP-date (including when the field value appears to be a list of dates).",
      [*INVALID_DATES, f"{PAST}, {PAST}"])
def if_unmodified_since_without_a_date_is_ignored(server, date):
    equal(status(server, f"If-Unmodified-Since: {date}"), 200, "the status")


@must_not("13.1.4", "An origin server that evaluates an If-Unmodified-Since condition MUST NOT perform the "
          "requested method if the condition evaluates to false.")
def if_unmodified_since_is_evaluated(server):
    modified = server.get(PATH).get("Last-Modified")
    equal(status(server, f"If-Unmodified-Since: {modified}"), 200, "with the same date")
    equal(status(server, f"If-Unmodified-Since: {FUTURE}"), 200, "with a later date")
    equal(status(server, f"If-Unmodified-Since: {PAST}"), 412, "with an earlier date")


@must("13.1.5", "A server that receives an If-Range header field on a Range request MUST evaluate the condition per "
      "Section 13.2 prior to performing the method.")
def if_range_is_evaluated(server):
    equal(status(server, "Range: bytes=0-1", f"If-Range: {etag_of(server)}"), 206, "with the tag")
    equal(status(server, "Range: bytes=0-1", 'If-Range: "another"'), 200, "with another tag")
    equal(status(server, "Range: bytes=0-1", f"If-Range: {PAST}"), 200, "with another date")
    equal(status(server, "Range: bytes=0-1", f"If-Range: {FUTURE}"), 200, "with a later date")


@must("13.1.5", "A recipient of an If-Range header field MUST ignore the Range header field if the If-Range "
      "condition evaluates to false.")
def range_is_ignored_when_if_range_fails(server):
    answer = server.get(PATH, "Range: bytes=0-1", 'If-Range: "another"').expect(200)
    equal(len(answer.body), 26, "the length of the body")


@must("13.1.5", "A server MUST ignore an If-Range header field received in a request that does not contain a Range "
      "header field.")
def if_range_without_range_is_ignored(server):
    equal(status(server, 'If-Range: "another"'), 200, "the status")


@must("13.2.1", "A server MUST ignore all received preconditions if its response to the same request without those "
      "conditions, prior to processing the request content, would have been a status code other than a 2xx "
      "(Successful) or 412 (Precondition Failed).",
      ["If-None-Match: *", 'If-Match: "another"', f"If-Unmodified-Since: {PAST}"])
def conditions_are_ignored_where_nothing_is(server, field):
    server.get("/nowhere", field).expect(404)
    server.get("/folder", field).expect(301)
    server.ask("POST /abc.txt HTTP/1.1", "Host: {host}", "Content-Length: 0", field).expect(405)


@states("13.2.2", "When more than one conditional request header field is present in a request, the order in which "
        "the fields are evaluated becomes important.")
def conditions_are_evaluated_in_their_order(server):
    etag = etag_of(server)
    equal(status(server, 'If-Match: "another"', f"If-None-Match: {etag}"), 412, "If-Match comes first")
    equal(status(server, f"If-Match: {etag}", f"If-None-Match: {etag}"), 304, "then If-None-Match")
    equal(status(server, f"If-None-Match: {etag}", "Range: bytes=0-1"), 304, "then Range")
    equal(status(server, f"If-Match: {etag}", "Range: bytes=99-"), 416, "then Range")
