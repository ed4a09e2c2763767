# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 14: range requests, on the files of a route"""

from suite import check, equal, may, must, must_not, should, states

PATH = "/abc.txt"
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def ranged(server, value, *fields):
    return server.get(PATH, f"Range: {value}", *fields)


@states("14.1", "Range unit names are case-insensitive.", ["bytes", "Bytes", "BYTES"])
def the_unit_counts_in_any_case(server, unit):
    equal(ranged(server, f"{unit}=0-1").expect(206).body, b"ab", "the part")


@states("14.1.1", "An int-range is a range expressed as two non-negative integers or as one non-negative integer "
        "through to the end", {
    "0-0": ("0-0", 0, 0), "2-5": ("2-5", 2, 5), "20-": ("20-", 20, 25), "0-25": ("0-25", 0, 25),
    "25-25": ("25-25", 25, 25)})
def an_int_range_is_answered(server, expected):
    value, first, last = expected
    answer = ranged(server, f"bytes={value}").expect(206)
    equal((answer.body, answer.get("Content-Range")), (ALPHABET[first:last + 1], f"bytes {first}-{last}/26"),
          "the part")


@states("14.1.1", "An int-range is invalid if the last-pos value is present and less than the first-pos.",
        ["bytes=5-2", "bytes=1-0"])
def an_invalid_int_range_is_ignored(server, value):
    answer = ranged(server, value)
    check(answer.status in (200, 416), f"the status is {answer.status}")


@states("14.1.2", "If the selected representation is shorter than the specified suffix-length, the entire "
        "representation is used.")
def a_suffix_longer_than_the_file_is_the_file(server):
    equal(ranged(server, "bytes=-1000").body, ALPHABET, "the part")
    equal(ranged(server, "bytes=-3").expect(206).body, b"xyz", "the part")


@states("14.1.2", "If the last-pos value is absent, or if the value is greater than or equal to the current length "
        "of the representation data, the byte range is interpreted as the remainder of the representation")
def a_range_beyond_the_end_is_cut(server):
    answer = ranged(server, "bytes=24-1000").expect(206)
    equal((answer.body, answer.get("Content-Range")), (b"yz", "bytes 24-25/26"), "the part")


@must("14.1.2", "In the byte-range syntax, first-pos, last-pos, and suffix-length are expressed as decimal number "
      "of octets. Since there is no predefined limit to the length of content, recipients MUST anticipate "
      "potentially large decimal numerals and prevent parsing errors due to integer conversion overflows.", [
          "18446744073709551616-", "18446744073709551615-", "0-18446744073709551616", "-18446744073709551616",
          "9223372036854775807-9223372036854775808"])
def large_numerals_do_not_overflow(server, value):
    answer = ranged(server, f"bytes={value}").expect(200, 206, 416)
    check(answer.status == 416 or answer.body == ALPHABET, "it is answered with a part")


@must("14.2", "A server MUST ignore a Range header field received with a request method that is unrecognized or for "
      "which range handling is not defined. For this specification, GET is the only method for which range handling "
      "is defined.")
def range_is_for_get(server):
    answer = server.ask("HEAD /abc.txt HTTP/1.1", "Host: {host}", "Range: bytes=0-1").expect(200)
    answer.expect_field("Content-Length", "26")


@must("14.2", "An origin server MUST ignore a Range header field that contains a range unit it does not understand.",
      ["lines=0-1", "byte=0-1", "=0-1", "items=0-"])
def another_unit_is_ignored(server, value):
    equal(ranged(server, value).expect(200).body, ALPHABET, "the body")


@may("14.2", "A server that supports range requests MAY ignore or reject a Range header field that contains an "
     "invalid ranges-specifier (Section 14.1.1), a ranges-specifier with more than two overlapping ranges, or a set "
     "of many small ranges",
     ["bytes=", "bytes=a-b", "bytes=-", "bytes 0-1", "bytes=0-1-2", "bytes=0-0,0-0,0-0",
     "bytes=" + ",".join(["0-0"] * 100)])
def an_invalid_range_does_no_harm(server, value):
    answer = ranged(server, value)
    check(answer.status in (200, 206, 416), f"the status is {answer.status}")
    check(len(answer.body) <= 26, "the answer is larger than the file")


@should("14.2", "that ranges-specifier is satisfiable with respect to the selected representation, the server "
        "SHOULD send a 206 (Partial Content) response", ["bytes=0-0", "bytes=0-", "bytes=-1", "bytes=3-7"])
def a_satisfiable_range_is_answered_with_206(server, value):
    ranged(server, value).expect(206)


@should("14.2", "the ranges-specifier is unsatisfiable with respect to the selected representation, the server "
        "SHOULD send a 416 (Range Not Satisfiable) response.", ["bytes=26-", "bytes=100-200", "bytes=-0"])
def an_unsatisfiable_range_is_answered_with_416(server, value):
    ranged(server, value).expect(416)


@states("14.3", "For example, a server that supports byte-range requests (Section 14.1.2) can send the field "
        "Accept-Ranges: bytes")
def a_file_says_that_it_has_ranges(server):
    server.get(PATH).expect_field("Accept-Ranges", "bytes")


@must("14.4", "A server MUST ignore a Content-Range header field received in a request with a method for which "
      "Content-Range support is not defined.")
def content_range_in_a_request_is_ignored(server):
    equal(server.get(PATH, "Content-Range: bytes 0-1/26").expect(200).body, ALPHABET, "the body")


@should("14.4", "A server generating a 416 (Range Not Satisfiable) response to a byte-range request SHOULD send a "
        "Content-Range header field with an unsatisfied-range value")
def a_416_tells_the_length(server):
    ranged(server, "bytes=26-").expect(416).expect_field("Content-Range", "bytes */26")


@should("14.4", "For byte ranges, a sender SHOULD indicate the complete length of the representation from which the "
        "range has been extracted")
def a_206_tells_the_complete_length(server):
    ranged(server, "bytes=1-2").expect(206).expect_field("Content-Range", "bytes 1-2/26")


@must_not("14.6", "A server MUST NOT generate a multipart response to a request for a single range",
          ["bytes=0-1", "bytes=-1"])
def a_single_range_is_no_multipart(server, value):
    content_type = ranged(server, value).expect(206).get("Content-Type")
    check(not content_type.startswith("multipart/"), f"Content-Type is {content_type}")
