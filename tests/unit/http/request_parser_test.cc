// SPDX-License-Identifier: Apache-2.0
#include "core/http/request_parser.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "tests/unit/http/requests.h"

namespace peal::http {
namespace {

using test::Parsed;
using Outcome = RequestParser::Outcome;

/// A head of HTTP/1.1 with a Host and these further lines, each with its end.
std::string with_fields(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a.example\r\n" + std::string(lines) + "\r\n";
}

int status_with(std::string_view lines) {
  return Parsed(with_fields(lines)).status();
}

int status_of_target(std::string_view target, std::string_view method = "GET") {
  return Parsed(std::string(method) + " " + std::string(target) +
                " HTTP/1.1\r\nHost: a.example\r\n\r\n")
      .status();
}

int status_of_host(std::string_view host) {
  return Parsed("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n").status();
}

TEST_CASE("RequestParser: a browser's request is read") {
  const Parsed parsed(
      "GET /chat/lobby?last=5&x HTTP/1.1\r\n"
      "Host: example.com:8080\r\n"
      "Connection: keep-alive, Upgrade\r\n"
      "X-Empty:\r\n"
      "User-Agent:  Mozilla/5.0 (X11)\t \r\n"
      "\r\nrest");
  REQUIRE(parsed.accepted());
  const Request& request = parsed.request();
  CHECK(request.method == "GET");
  CHECK(request.target == "/chat/lobby?last=5&x");
  CHECK(request.path == "/chat/lobby");
  CHECK(request.query == "last=5&x");
  CHECK(request.host == "example.com:8080");
  CHECK(request.minor_version == 1);
  CHECK(request.keep_alive);
  CHECK_FALSE(request.has_body());
  CHECK(request.headers.size() == 4);
  CHECK(request.header("user-AGENT") == "Mozilla/5.0 (X11)");
  CHECK(request.header("X-Empty") == "");
  CHECK_FALSE(request.header("X-Missing"));
  CHECK(request.head_size == parsed.text.size() - 4);
  CHECK(+parsed.scan.scanned == 0);
}

TEST_CASE("RequestParser: tokens are found across lists, lines and cases") {
  const Parsed parsed(with_fields("Upgrade: h2c,\r\nUPGRADE: foo , ,WebSocket\r\n"));
  REQUIRE(parsed.accepted());
  CHECK(parsed.request().has_token("upgrade", "websocket"));
  CHECK(parsed.request().has_token("upgrade", "H2C"));
  CHECK_FALSE(parsed.request().has_token("upgrade", "web"));
  CHECK(parsed.request().count("Upgrade") == 2);
}

TEST_CASE("RFC 9112 section 2.2: one empty line before the request is skipped, a second refused") {
  const Parsed parsed("\r\n" + with_fields(""));
  REQUIRE(parsed.accepted());
  CHECK(parsed.request().head_size == parsed.text.size());
  CHECK(Parsed("\r\n\r\n" + with_fields("")).status() == 400);
  CHECK(Parsed("\n" + with_fields("")).status() == 400);
  CHECK(Parsed("\r").outcome == Outcome::need_more);
  CHECK(Parsed("\r\n").outcome == Outcome::need_more);
  CHECK(Parsed("\rG").status() == 400);
}

TEST_CASE("RequestParser: what cannot be a method is refused at once") {
  CHECK(Parsed("\x16\x03\x01").status() == 400);  // a TLS ClientHello
  CHECK(Parsed(" GET").status() == 400);
  CHECK(Parsed("G@T").status() == 400);
  CHECK(Parsed("GET\t/").status() == 400);
  CHECK(Parsed("GET\r\n").status() == 400);
  CHECK(Parsed(std::string(kMaxMethodLength, 'A')).outcome == Outcome::need_more);
  CHECK(Parsed(std::string(kMaxMethodLength + 1, 'A')).status() == 501);
}

TEST_CASE("RFC 9112 section 2.2: lines end with CR LF and nothing else") {
  CHECK(Parsed("GET / HTTP/1.1\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\r\nHost: a\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\r\nHost: a\r\n\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\rHost: a\r\n\r\n").status() == 400);
  CHECK(status_with("X: a\rb\r\n") == 400);
  CHECK(status_with("X: a\r\r\n") == 400);
  CHECK(status_with("\rX: a\r\n") == 400);
}

TEST_CASE("RFC 9112 section 5: malformed fields are refused") {
  CHECK(status_with("X: a\r\n folded\r\n") == 400);
  CHECK(status_with("X: a\r\n\tfolded\r\n") == 400);
  CHECK(Parsed("GET / HTTP/1.1\r\n Host: a\r\n\r\n").status() == 400);
  CHECK(status_with("X : a\r\n") == 400);
  CHECK(status_with("X\t: a\r\n") == 400);
  CHECK(status_with(": a\r\n") == 400);
  CHECK(status_with("X\r\n") == 400);
  CHECK(status_with("X(: a\r\n") == 400);
  CHECK(status_with("X\xc3\xa9: a\r\n") == 400);
  CHECK(status_with(std::string_view("X: a\0b\r\n", 8)) == 400);
  CHECK(status_with("X: a\x01\r\n") == 400);
  CHECK(status_with("X: a\x7f\r\n") == 400);
  CHECK(status_with("X: a\tb \xc3\xa9\r\n") == 0);
}

TEST_CASE("RFC 9112 section 3: the request line has three parts and one space between them") {
  CHECK(Parsed("GET /\r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET  / HTTP/1.1\r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET /  HTTP/1.1\r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1 \r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET / http/1.1\r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1\r\n\r\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.10\r\nHost: a\r\n\r\n").status() == 400);
  CHECK(Parsed("GET / HTTP/2.0\r\nHost: a\r\n\r\n").status() == 505);
  CHECK(Parsed("GET / HTTP/1.2\r\nHost: a\r\n\r\n").status() == 505);
  CHECK(Parsed("GET / HTTP/0.9\r\n\r\n").status() == 505);
  CHECK(Parsed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status() == 505);
  for (const char* line : {"GET /\tHTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           "GET / HTTP/1.1\t",
                           "GET / HTTP/1.1 x",
                           "GET / x HTTP/1.1",
                           "GET / HTTP /1.1",
                           "GET / HTTP/ 1.1",
                           "GET / HTTP/1.",
                           "GET / HTTP/.1",
                           "GET / HTTP/1,1",
                           "GET / HTTP/11",
                           "GET / HTTP/01.1",
                           "GET / HTTP/+1.1",
                           "GET / XTTP/1.1",
                           "GET /",
                           "GET",
                           "GET ",
                           "GET  HTTP/1.1",
                           "GET HTTP/1.1",
                           "GET /\v HTTP/1.1",
                           "GET / HTTP/1.\xd9\xa1"}) {
    CAPTURE(line);
    CHECK(Parsed(std::string(line) + "\r\nHost: a\r\n\r\n").status() == 400);
  }
}

TEST_CASE("RFC 9112 section 3.2: targets of every form") {
  CHECK(status_of_target("/a%20b;c=d/[x]|y?q={\"") == 400);
  CHECK(status_of_target("/a%20b;c=d/[x]|y?q={}&p=C:\\x^`") == 0);
  CHECK(status_of_target("/a#b") == 400);
  CHECK(status_of_target("/\xc3\xa9") == 400);
  CHECK(status_of_target("/<x>") == 400);
  CHECK(status_of_target("/\x7f") == 400);
  CHECK(status_of_target("a.example") == 400);
  CHECK(status_of_target("*") == 400);
  CHECK(status_of_target("*", "OPTIONS") == 0);
  CHECK(status_of_target("a.example:443", "CONNECT") == 501);
  CHECK(status_of_target("http://a.example/x") == 0);
  CHECK(status_of_target("HTTPS://A.example/x") == 0);
  CHECK(status_of_target("http://b.example/x") == 400);
  CHECK(status_of_target("http://user@a.example/x") == 400);
  CHECK(status_of_target("http:///x") == 400);
  CHECK(status_of_target("ftp://a.example/x") == 400);
  CHECK(status_of_target("ws://a.example/x") == 400);
}

TEST_CASE("RFC 9112 section 3.2: characters of a target") {
  const auto status_of_octet = [](std::string_view before, int octet, std::string_view after) {
    return status_of_target(std::string(before) + static_cast<char>(octet) + std::string(after));
  };
  for (int octet = 0; octet < 256; ++octet) {
    CAPTURE(octet);
    const bool visible = octet > 0x20 && octet < 0x7f;
    const bool taken = visible && std::string_view("\"#<>").find(static_cast<char>(octet)) ==
                                      std::string_view::npos;
    CHECK(status_of_octet("/a", octet, "b") == (taken && octet != '\\' ? 0 : 400));
    CHECK(status_of_octet("/?a", octet, "b") == (taken ? 0 : 400));
  }
}

TEST_CASE(
    "RFC 9112 section 3.2.2: an absolute form that others might read differently is refused") {
  for (const char* target :
       {"http:/a.example/", "http:a.example", "http:///a.example/", "http://:80/",
        "http://a.example@b/", "http://b@a.example/", "http://a.example:80/",
        "http://a.example\\@b/", "http://a.example%2f/", "//a.example/x\\",
        "javascript://a.example/", "https:a.example", "http//a.example/", "http://[::1/",
        "http://a.example,b/", "://a.example/", "a.example:80"}) {
    CAPTURE(target);
    CHECK(status_of_target(target) == 400);
  }
  CHECK(status_of_target("//b.example/x") == 0);  // a path, whose first segment is empty
}

TEST_CASE("RFC 9112 section 3.2.4: the asterisk form, also as proxies carry it") {
  for (const char* target : {"*", "http://a.example"}) {
    const Parsed parsed("OPTIONS " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n\r\n");
    REQUIRE(parsed.accepted());
    CHECK(parsed.request().path == "*");
  }
  CHECK(status_of_target("*?a", "OPTIONS") == 400);
  CHECK(status_of_target("**", "OPTIONS") == 400);
  CHECK(status_of_target("*", "GET") == 400);
}

TEST_CASE("RFC 9110 section 9.1: an unknown method is 501") {
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"})
    CHECK(status_of_target("/", method) == 0);
  for (const char* method : {"get", "Get", "GETX", "BREW", "PROPFIND", "CONNECT", "PRI", "X"})
    CHECK(status_of_target("/", method) == 501);
}

TEST_CASE("RFC 9112 section 3.2.2: the absolute form gives scheme, path, query and host") {
  const Parsed bare("GET http://a.example?x=/y HTTP/1.1\r\nHost: a.example\r\n\r\n");
  REQUIRE(bare.accepted());
  CHECK(bare.request().scheme == "http");
  CHECK(bare.request().path == "/");
  CHECK(bare.request().query == "x=/y");
  const Parsed old("GET http://a.example:81/p HTTP/1.0\r\n\r\n");
  REQUIRE(old.accepted());
  CHECK(old.request().path == "/p");
  CHECK(Parsed(with_fields("")).request().scheme == "");
  CHECK(old.request().host == "a.example:81");
}

TEST_CASE("RFC 9112 section 3.2: exactly one valid Host") {
  CHECK(Parsed("GET / HTTP/1.1\r\nX: a\r\n\r\n").status() == 400);
  CHECK(status_with("Host: a.example\r\n") == 400);
  CHECK(status_of_host("") == 400);
  CHECK(status_of_host("user@a.example") == 400);
  CHECK(status_of_host("a.example/x") == 400);
  CHECK(status_of_host("a b") == 400);
  CHECK(Parsed("GET / HTTP/1.0\r\n\r\n").accepted());
  CHECK(Parsed("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").status() == 400);
}

TEST_CASE("RFC 9112 section 3.2: a Host that others might read differently is refused") {
  for (const char* host : {"a.example", "A.Example:80", "a.example:", "a_b-c.~d", "127.0.0.1:8080",
                           "[::1]:8080", "[::ffff:10.0.0.1]", "a.example.", "a:0", "a:65535"}) {
    CAPTURE(host);
    CHECK(status_of_host(host) == 0);
  }
  for (const char* host : {"",
                           "user@a.example",
                           ":pw@a",
                           "a.example/x",
                           "a b",
                           "a\tb",
                           "a,b",
                           "a, b",
                           "a;b",
                           "a.example,",
                           "a?b",
                           "a#b",
                           "a\\b",
                           "%61.example",
                           "a'b",
                           "a\"b",
                           "a<b",
                           "*",
                           "*.a",
                           "a\x7f",
                           "\xc3\xa9.example",
                           ":80",
                           "a:x",
                           "a:-1",
                           "a:+1",
                           "a:80:80",
                           "a:80 ",
                           "a: 80",
                           "a:65536",
                           "a.example:99999",
                           "::1",
                           "[::1",
                           "::1]",
                           "[]",
                           "[::1]x",
                           "[::1]:x",
                           "[fe80::1%25eth0]",
                           "[fe80::1%eth0]",
                           "[v1.a]",
                           "[.]",
                           "[:::]",
                           "[1.2.3.4]",
                           "[::1::]",
                           "[[::1]]",
                           "http://a"}) {
    CAPTURE(host);
    // White space at the end of a value is no part of it.
    CHECK(status_of_host(host) == (std::string_view(host) == "a:80 " ? 0 : 400));
  }
}

TEST_CASE("RFC 9112 section 6.3: the length of the body is unambiguous") {
  const Parsed sized(with_fields("Content-Length: 42\r\n"));
  REQUIRE(sized.accepted());
  CHECK(sized.request().content_length == 42);
  CHECK(sized.request().has_body());
  const Parsed chunked(with_fields("Transfer-Encoding: Chunked\r\n"));
  REQUIRE(chunked.accepted());
  CHECK(chunked.request().chunked);
  CHECK(chunked.request().has_body());

  CHECK(status_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") == 400);
}

TEST_CASE("RFC 9112 section 6.2: a Content-Length is one number below 2^63") {
  for (const char* value :
       {"0", "5", "007", "  5 ", "9223372036854775807", "0000000000000000005"}) {
    CAPTURE(value);
    CHECK(status_with("Content-Length: " + std::string(value) + "\r\n") == 0);
  }
  for (const char* value : {"",
                            " ",
                            "-1",
                            "+5",
                            "-0",
                            "0x10",
                            "0b1",
                            "1e3",
                            "5.0",
                            "1_000",
                            "5 5",
                            "5\t5",
                            "5, 5",
                            "5,5",
                            "5 , 6",
                            ",5",
                            "5,",
                            "5;",
                            "\"5\"",
                            "five",
                            "\xd9\xa5",
                            "\v5",
                            "9223372036854775808",
                            "9999999999999999999",
                            "18446744073709551616",
                            "18446744073709551621",
                            "99999999999999999999"}) {
    CAPTURE(value);
    CHECK(status_with("Content-Length: " + std::string(value) + "\r\n") == 400);
  }
  CHECK(status_with("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_with("Content-Length: 5\r\ncontent-length: 6\r\n") == 400);
  CHECK(status_with("Content-Length : 5\r\n") == 400);
  CHECK(status_with("Content-Length\t: 5\r\n") == 400);
}

TEST_CASE("RFC 9112 section 6.1: a transfer coding that is not understood is 501") {
  for (const char* value : {"gzip, chunked", "identity, chunked", "gzip;q=1 ,\tChunked"}) {
    CAPTURE(value);
    CHECK(status_with("Transfer-Encoding: " + std::string(value) + "\r\n") == 501);
  }
}

TEST_CASE("RFC 9112 section 6.3: transfer codings that do not end with chunked are 400") {
  for (const char* value : {"",
                            "identity",
                            "gzip",
                            "chunked, identity",
                            "chunked, gzip",
                            "xchunked",
                            "chunkedx",
                            "chunked;x=1",
                            "chunked\t",
                            "\tchunked",
                            "chunked \t ",
                            "\"chunked\"",
                            "'chunked'",
                            "chunked chunked",
                            "chun ked",
                            "cow",
                            "chunked;",
                            "chunke\xc4\x8f",
                            "\vchunked",
                            "chunked\v",
                            "\xa0"
                            "chunked"}) {
    CAPTURE(value);
    CHECK(status_with("Transfer-Encoding: " + std::string(value) + "\r\n") == 400);
  }
}

TEST_CASE("RFC 9112 section 7.1: chunked is applied once") {
  CHECK(status_with("Transfer-Encoding: chunked, chunked\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: chunked, gzip, chunked\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") == 400);
}

TEST_CASE("RFC 9112 section 6.1: in HTTP/1.0 a transfer coding makes the framing faulty") {
  CHECK(Parsed("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status() == 400);
  CHECK(Parsed("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n").status() == 400);
}

TEST_CASE("RFC 9112 section 6.1: Transfer-Encoding cannot be hidden") {
  CHECK(status_with("Transfer-Encoding: chunked\r\n") == 0);
  CHECK(status_with("transfer-encoding:chunked\r\n") == 0);
  CHECK(status_with("Transfer-Encoding:  chunked \r\n") == 0);
  for (const char* line : {"Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
                           " Transfer-Encoding: chunked", "Transfer-Encoding\v: chunked",
                           "Transfer-Encoding\xa0: chunked", "\xefTransfer-Encoding: x",
                           "Transfer-Encoding:\r\n chunked", "Transfer\r-Encoding: chunked",
                           "X: 1\nTransfer-Encoding: x", "X: 1\rTransfer-Encoding: chunked",
                           "Transfer-Encoding: chunked\r", "Transfer-Encoding"}) {
    CAPTURE(line);
    CHECK(status_with(std::string(line) + "\r\n") == 400);
  }
}

TEST_CASE("RFC 9110 section 10.1.1: 100-continue is the only expectation") {
  CHECK(status_with("Expect: 100-continue\r\n") == 0);
  CHECK(status_with("Expect: 100-Continue, 100-continue\r\n") == 0);
  CHECK(status_with("Expect:\r\n") == 0);
  CHECK(status_with("Expect: 100-continue, x\r\n") == 417);
  CHECK(status_with("Expect: 100-continue;q=1\r\n") == 417);
  CHECK(status_with("Expect: 200-ok\r\n") == 417);
  CHECK(Parsed(with_fields("Expect: 100-continue\r\n")).request().expects_continue);
  CHECK_FALSE(Parsed(with_fields("")).request().expects_continue);
  const Parsed old("GET / HTTP/1.0\r\nExpect: 100-continue, x\r\n\r\n");
  REQUIRE(old.accepted());
  CHECK_FALSE(old.request().expects_continue);
}

TEST_CASE("RFC 9110 section 5.3: fields that matter are there once") {
  for (const char* name : {"Host", "Origin", "Authorization", "Content-Type"}) {
    CAPTURE(name);
    const std::string line = std::string(name) + ": a.example\r\n";
    CHECK(Parsed("GET / HTTP/1.0\r\n" + line + "\r\n").accepted());
    CHECK(Parsed("GET / HTTP/1.0\r\n" + line + "X: 1\r\n" + line + "\r\n").status() == 400);
  }
}

TEST_CASE("RFC 9112 section 9.3: persistence by version and Connection") {
  const auto keeps_alive = [](std::string_view version, std::string_view connection) {
    const Parsed parsed("GET / HTTP/" + std::string(version) +
                        "\r\nHost: a\r\nConnection: " + std::string(connection) + "\r\n\r\n");
    REQUIRE(parsed.accepted());
    return parsed.request().keep_alive;
  };
  CHECK(keeps_alive("1.1", "x"));
  CHECK_FALSE(keeps_alive("1.1", "x, Close"));
  CHECK_FALSE(keeps_alive("1.1", "keep-alive, close"));
  CHECK_FALSE(keeps_alive("1.0", "x"));
  CHECK(keeps_alive("1.0", "Keep-Alive"));
  CHECK_FALSE(keeps_alive("1.0", "keep-alive, close"));
}

TEST_CASE("RequestParser: a refused HEAD is to be answered without a body") {
  CHECK(Parsed("HEAD / HTTP/1.1\r\n\r\n").parser.failure().head_only);
  CHECK(Parsed("\r\nHEAD / HTTP/1.1\n").parser.failure().head_only);
  CHECK_FALSE(Parsed("GET / HTTP/1.1\r\n\r\n").parser.failure().head_only);
  CHECK_FALSE(Parsed("HEADS / HTTP/1.1\r\n\r\n").parser.failure().head_only);
}

TEST_CASE("RequestParser: sizes are limited") {
  std::string lines;
  for (std::size_t i = 1; i < kMaxHeaders; ++i) lines += "X: a\r\n";
  CHECK(status_with(lines) == 0);
  CHECK(status_with(lines + "X: a\r\n") == 431);

  const std::string head = with_fields("X: 12345\r\n");
  CHECK(Parsed(head, head.size()).accepted());
  CHECK(Parsed(head, head.size() - 1).status() == 431);
  CHECK(Parsed(head.substr(0, head.size() - 2), head.size() - 1).outcome == Outcome::need_more);
  CHECK(Parsed(head + "a body that is longer", head.size()).accepted());
  const std::string long_target = "GET /" + std::string(100, 'a');
  CHECK(Parsed(long_target, long_target.size()).status() == 414);
  CHECK(Parsed("\r\n" + long_target, long_target.size()).status() == 414);
}

TEST_CASE("RequestParser: pipelined requests come one by one") {
  const std::string first = with_fields("X: 1\r\n");
  const std::string both = first + with_fields("X: 2\r\n");
  RequestParser parser;
  HeadScan scan;
  REQUIRE(parser.parse(both, scan, test::kLimit) == Outcome::request);
  CHECK(parser.request().header("X") == "1");
  CHECK(parser.request().head_size == first.size());
  const auto rest = std::string_view(both).substr(first.size());
  REQUIRE(parser.parse(rest, scan, test::kLimit) == Outcome::request);
  CHECK(parser.request().header("X") == "2");
}

TEST_CASE("RequestParser: a trickled head is scanned once") {
  const std::string head = with_fields("Content-Length: 3\r\n");
  Parsed pieces("");
  for (std::size_t i = 0; i < head.size(); ++i) {
    CAPTURE(i);
    REQUIRE(pieces.outcome == Outcome::need_more);
    CHECK(+pieces.scan.scanned == pieces.text.size());
    test::feed(pieces, head.substr(i, 1));
  }
  CHECK(pieces.accepted());
  CHECK(+pieces.scan.scanned == 0);  // ready for the next head
}

/// A head that is mostly right, from parts of which some are wrong.
std::string random_head(std::mt19937_64& random) {
  static const std::vector<std::string> lines = {"GET / HTTP/1.1\r\n",
                                                 "GET /a?b HTTP/1.1\r\n",
                                                 "POST http://a/ HTTP/1.0\r\n",
                                                 "GET /\x01 HTTP/1.1\r\n",
                                                 "GET / HTTP/3.0\r\n",
                                                 "\r\n",
                                                 "GE",
                                                 "T",
                                                 "\r",
                                                 "\n",
                                                 " ",
                                                 "Host: a\r\n",
                                                 "Host: a\r\n",
                                                 "Host: b\r\n",
                                                 "X: 1\r\n",
                                                 "X: 2\n",
                                                 " folded\r\n",
                                                 "Connection: close\r\n",
                                                 "Content-Length: 5\r\n",
                                                 "Content-Length: x\r\n",
                                                 "Transfer-Encoding: chunked\r\n",
                                                 "Transfer-Encoding: x\r\n"};
  std::string head = random() % 8 == 0 ? "" : lines[random() % 3] + "Host: a\r\n";
  for (auto count = random() % 6; count > 0; --count) head += lines[random() % lines.size()];
  if (random() % 4 != 0) head += "\r\n";
  if (!head.empty() && random() % 4 == 0)
    head[random() % head.size()] = static_cast<char>(random());
  return head;
}

TEST_CASE("RequestParser: any segmentation comes to the same outcome") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int accepted = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string head = random_head(random) + "rest";
    const std::size_t limit = random() % 4 == 0 ? random() % 80 : test::kLimit;
    CAPTURE(head);
    CAPTURE(limit);
    const Parsed whole(head, limit);
    Parsed pieces("", limit);
    for (std::size_t at = 0; at < head.size();) {
      const std::size_t size = 1 + random() % 9;
      test::feed(pieces, std::string_view(head).substr(at, size), limit);
      at += size;
    }
    REQUIRE(test::same(whole, pieces));
    accepted += whole.accepted();
    refused += whole.status() != 0;
    if (!whole.accepted()) continue;
    const Parsed again(test::serialise(whole.request()));
    REQUIRE(again.accepted());
    REQUIRE(test::same(whole.request(), again.request()));
  }
  // The generator is of use only while it makes both.
  CHECK(accepted > 1'000);
  CHECK(refused > 1'000);
}

}  // namespace
}  // namespace peal::http
