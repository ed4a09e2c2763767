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
  CHECK(parsed.scan.scanned == 0);
}

TEST_CASE("RequestParser: tokens are found across lists, lines and cases") {
  const Parsed parsed(with_fields("Upgrade: h2c,\r\nUPGRADE: foo , ,WebSocket\r\n"));
  REQUIRE(parsed.accepted());
  CHECK(parsed.request().has_token("upgrade", "websocket"));
  CHECK(parsed.request().has_token("upgrade", "H2C"));
  CHECK_FALSE(parsed.request().has_token("upgrade", "web"));
  CHECK(parsed.request().count("Upgrade") == 2);
}

TEST_CASE("RequestParser: one empty line before the request is skipped, a second one refused") {
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

TEST_CASE("RequestParser: lines end with CR LF and nothing else") {
  CHECK(Parsed("GET / HTTP/1.1\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\r\nHost: a\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\r\nHost: a\r\n\n").status() == 400);
  CHECK(Parsed("GET / HTTP/1.1\rHost: a\r\n\r\n").status() == 400);
  CHECK(status_with("X: a\rb\r\n") == 400);
  CHECK(status_with("X: a\r\r\n") == 400);
  CHECK(status_with("\rX: a\r\n") == 400);
}

TEST_CASE("RequestParser: malformed fields are refused") {
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

TEST_CASE("RequestParser: the request line has three parts and one space between them") {
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
}

TEST_CASE("RequestParser: targets of every form") {
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

TEST_CASE("RequestParser: the absolute form gives path, query and host") {
  const Parsed bare("GET http://a.example?x=/y HTTP/1.1\r\nHost: a.example\r\n\r\n");
  REQUIRE(bare.accepted());
  CHECK(bare.request().path == "/");
  CHECK(bare.request().query == "x=/y");
  const Parsed old("GET http://a.example:81/p HTTP/1.0\r\n\r\n");
  REQUIRE(old.accepted());
  CHECK(old.request().path == "/p");
  CHECK(old.request().host == "a.example:81");
}

TEST_CASE("RequestParser: exactly one valid Host") {
  CHECK(Parsed("GET / HTTP/1.1\r\nX: a\r\n\r\n").status() == 400);
  CHECK(status_with("Host: a.example\r\n") == 400);
  CHECK(status_of_host("") == 400);
  CHECK(status_of_host("user@a.example") == 400);
  CHECK(status_of_host("a.example/x") == 400);
  CHECK(status_of_host("a b") == 400);
  CHECK(status_of_host("a,b") == 0);  // a sub-delim of RFC 3986
  CHECK(status_of_host("[::1]:8080") == 0);
  CHECK(status_of_host("a.example:99999") == 400);
  CHECK(Parsed("GET / HTTP/1.0\r\n\r\n").accepted());
  CHECK(Parsed("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").status() == 400);
}

TEST_CASE("RequestParser: the length of the body is unambiguous") {
  const Parsed sized(with_fields("Content-Length: 42\r\n"));
  REQUIRE(sized.accepted());
  CHECK(sized.request().content_length == 42);
  CHECK(sized.request().has_body());
  const Parsed chunked(with_fields("Transfer-Encoding: Chunked\r\n"));
  REQUIRE(chunked.accepted());
  CHECK(chunked.request().chunked);
  CHECK(chunked.request().has_body());

  CHECK(status_with("Content-Length: 0\r\n") == 0);
  CHECK(status_with("Content-Length:\r\n") == 400);
  CHECK(status_with("Content-Length: -1\r\n") == 400);
  CHECK(status_with("Content-Length: +1\r\n") == 400);
  CHECK(status_with("Content-Length: 0x10\r\n") == 400);
  CHECK(status_with("Content-Length: 1 1\r\n") == 400);
  CHECK(status_with("Content-Length: 5, 5\r\n") == 400);
  CHECK(status_with("Content-Length: 99999999999999999999\r\n") == 400);
  CHECK(status_with("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") == 400);
  CHECK(status_with("Transfer-Encoding: gzip, chunked\r\n") == 501);
  CHECK(status_with("Transfer-Encoding: xchunked\r\n") == 501);
  CHECK(status_with("Transfer-Encoding:\r\n") == 501);
  CHECK(status_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 501);
  CHECK(Parsed("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status() == 400);
}

TEST_CASE("RequestParser: persistence by version and Connection") {
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
    CHECK(pieces.scan.scanned == pieces.text.size());
    test::feed(pieces, head.substr(i, 1));
  }
  CHECK(pieces.accepted());
  CHECK(pieces.scan.scanned == 0);  // ready for the next head
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
