# SPDX-License-Identifier: Apache-2.0
"""RFC 9110 section 5: fields"""

from suite import UPGRADE, check, must, must_not, should, states


@states("5.1", "Field names are case-insensitive")
def field_names_count_in_any_case(server):
    fields = [name.upper() if i % 2 else name.lower() for i, name in enumerate(f.partition(":")[0] for f in UPGRADE)]
    lines = [f"{name}:{line.partition(':')[2]}" for name, line in zip(fields, UPGRADE)]
    server.ask("GET /echo HTTP/1.1", "hOST: {host}", *lines).expect(101)


@should("5.1", "Other recipients SHOULD ignore unrecognized header and trailer fields.")
def unknown_fields_are_ignored(server):
    server.get("/healthz", "X-Unknown: 1", "Sec-Nothing: x", "Priority: u=1", "Sec-Fetch-Mode: websocket").expect(200)


@must_not("5.2", "a sender MUST NOT generate multiple field lines with the same name in a message ... unless that "
          "field's definition allows multiple field line values to be recombined as a comma-separated list",
          ["/healthz", "/abc.txt", "/folder", "/nowhere", "/echo"])
def no_field_of_an_answer_is_there_twice(server, path):
    names = [name for name, _ in server.get(path).fields]
    check(len(names) == len(set(names)), f"the fields are {names}")


@must_not("5.3", "A server MUST NOT apply a request to the target resource until it receives the entire request "
          "header section")
def nothing_is_answered_before_the_head_is_complete(server):
    peer = server.connect()
    peer.send_whole(f"GET /healthz HTTP/1.1\r\nHost: {server.host}\r\n".encode())
    peer.expect_silence()
    peer.send_whole(b"\r\n")
    peer.read_response().expect(200)


@states("5.3", "The order in which field lines with differing field names are received in a section is not "
        "significant.")
def the_order_of_fields_does_not_count(server):
    server.ask("GET /healthz HTTP/1.1", "X: 1", "Accept: */*", "Host: {host}").expect(200)


@must("5.4", "A server that receives a request header field line, field value, or set of fields larger than it "
      "wishes to process MUST respond with an appropriate 4xx (Client Error) status code.", {
          "one value": ["X: " + "x" * 9000], "one name": ["X" * 9000 + ": x"],
          "many": [f"X-{i}: {'x' * 50}" for i in range(200)], "many small": ["X:"] * 2000})
def fields_that_are_too_large_are_answered_with_431(server, fields):
    peer = server.connect()
    peer.send_lines("GET /healthz HTTP/1.1", "Host: {host}", *fields)
    peer.expect_refusal(431)


@must("5.5", "a recipient of CR, LF, or NUL within a field value MUST either reject the message or replace each of "
      "those characters with SP before further processing or forwarding of that message.",
      {"CR": "\r", "LF": "\n", "NUL": "\0"})
def a_forbidden_character_in_a_value_is_refused(server, character):
    peer = server.connect()
    peer.send_lines("GET /healthz HTTP/1.1", "Host: {host}", f"X: a{character}b")
    peer.expect_refusal(400)


@must("5.6.1.2", "A recipient MUST parse and ignore a reasonable number of empty list elements",
      ["Upgrade,", ",Upgrade", ", ,Upgrade,,", "keep-alive, , Upgrade"])
def empty_elements_of_a_list_are_ignored(server, value):
    fields = [line for line in UPGRADE if not line.startswith("Connection")]
    server.get("/echo", *fields, f"Connection: {value}").expect(101)


@must("5.6.7", "A recipient that parses a timestamp value in an HTTP field MUST accept all three HTTP-date formats.",
      ["Fri, 31 Dec 2099 23:59:59 GMT", "Friday, 31-Dec-49 23:59:59 GMT", "Fri Dec 31 23:59:59 2099"])
def each_format_of_a_date_is_read(server, date):
    server.get("/abc.txt", f"If-Modified-Since: {date}").expect(304)


@must("5.6.7", "When a sender generates a field that contains one or more timestamps defined as HTTP-date, the "
      "sender MUST generate those timestamps in the IMF-fixdate format.",
      {"Date": "Date", "Last-Modified": "Last-Modified"})
def dates_are_in_the_fixed_format(server, field):
    from email.utils import format_datetime, parsedate_to_datetime
    value = server.get("/abc.txt").get(field)
    check(value and format_datetime(parsedate_to_datetime(value), usegmt=True) == value, f"{field} is {value!r}")


@must("5.6.7", "Recipients of a timestamp value in rfc850-date format, which uses a two-digit year, MUST interpret "
      "a timestamp that appears to be more than 50 years in the future as representing the most recent year in the "
      "past that had the same last two digits.")
def a_two_digit_year_far_ahead_is_past(server):
    server.get("/abc.txt", "If-Modified-Since: Saturday, 31-Dec-94 23:59:59 GMT").expect(200)
