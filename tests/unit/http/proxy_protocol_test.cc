// SPDX-License-Identifier: Apache-2.0
#include "core/http/proxy_protocol.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/http/proxy_headers.h"

namespace peal::http::proxy_protocol_test {
namespace {

using namespace peal::http::test;
using Outcome = ProxyOutcome;
using Source = ProxyHeader::Source;

constexpr std::uint8_t kLocal = 0x20;
constexpr std::uint8_t kProxy = 0x21;

void expect_client(const std::string& text, std::string_view address) {
  CAPTURE(text);
  const ReadHeader read = read_header(text + "GET /");
  CHECK(read.outcome == Outcome::header);
  CHECK(read.header.size == text.size());
  CHECK(read.header.source == Source::ip);
  CHECK(read.header.client.text() == address);
}

void expect_own(const std::string& text) {
  CAPTURE(text);
  const ReadHeader read = read_header(text + "GET /");
  CHECK(read.outcome == Outcome::header);
  CHECK(read.header.size == text.size());
  CHECK(read.header.source == Source::own);
}

TEST_CASE("PROXY v1: the client of a TCP connection") {
  expect_client("PROXY TCP4 203.0.113.7 10.0.0.1 4660 443\r\n", "203.0.113.7");
  expect_client("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255");
  expect_client("PROXY TCP6 2001:db8::1 ::2 0 443\r\n", "2001:db8::1");
}

TEST_CASE("PROXY v1: UNKNOWN says nothing, whatever follows it") {
  expect_own("PROXY UNKNOWN\r\n");
  expect_own("PROXY UNKNOWN ffff::1 ::2 65535 65535\r\n");
  expect_own("PROXY UNKNOWN any \t thing\r\n");
  std::string longest = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
  expect_own(longest);
  longest.insert(20, "x");
  CHECK(read_header(longest).outcome == Outcome::failure);
}

TEST_CASE("PROXY v1: what is not in its form is refused") {
  for (const char* text : {"PROXY\r\n",
                           "PROXY \r\n",
                           "PROXY TCP4\r\n",
                           "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
                           "PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
                           "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
                           "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n",
                           "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n",
                           "PROXY TCP4 ::1 ::1 1 1\r\n",
                           "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
                           "PROXY TCP6 ::g ::1 1 1\r\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
                           "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n",
                           "PROXY UNKNOWNX\r\n",
                           "PROXY UNKNOWN\n",
                           "PROXX",
                           "proxy ",
                           "GET / HTTP/1.1\r\n",
                           "\x16\x03\x01"})
    CHECK_MESSAGE(read_header(text).outcome == Outcome::failure, text);
}

TEST_CASE("PROXY v2: the client of a TCP connection") {
  expect_client(proxy_v2(kProxy, 0x11, kProxyV4), "203.0.113.7");
  expect_client(proxy_v2(kProxy, 0x21, kProxyV6), "2001:db8::1");
}

TEST_CASE("PROXY v2: LOCAL, and what is neither TCP nor of Unix, says nothing") {
  expect_own(proxy_v2(kLocal, 0x00, ""));
  expect_own(proxy_v2(kLocal, 0x11, kProxyV4));
  expect_own(proxy_v2(kLocal, 0xff, "anything"));
  expect_own(proxy_v2(kProxy, 0x00, "anything"));
  expect_own(proxy_v2(kProxy, 0x12, kProxyV4));  // UDP
}

TEST_CASE("PROXY v2: a client of a Unix socket") {
  const ReadHeader read = read_header(proxy_v2(kProxy, 0x31, std::string(216, '\0')));
  CHECK(read.outcome == Outcome::header);
  CHECK(read.header.source == Source::unix_socket);
}

TEST_CASE("PROXY v2: fields are skipped, but for how the client came") {
  const std::string noise = proxy_field(0x04, std::string(300, 'x')) + proxy_field(0xe0, "");
  const std::string tls =
      proxy_field(0x20, std::string("\x01\0\0\0\0", 5) + proxy_field(0x21, "TLSv1.3"));
  const std::string plain = proxy_field(0x20, std::string("\x00\0\0\0\0", 5));
  expect_client(proxy_v2(kProxy, 0x11, kProxyV4 + noise), "203.0.113.7");
  CHECK_FALSE(read_header(proxy_v2(kProxy, 0x11, kProxyV4 + noise)).header.tls);
  CHECK(read_header(proxy_v2(kProxy, 0x11, kProxyV4 + noise + tls + noise)).header.tls);
  CHECK_FALSE(read_header(proxy_v2(kProxy, 0x11, kProxyV4 + plain)).header.tls);
}

TEST_CASE("PROXY v2: what is not in its form is refused") {
  const std::string most(kMaxProxyHeader, 'x');
  for (const std::string& text :
       {proxy_v2(0x11, 0x11, kProxyV4), proxy_v2(0x31, 0x11, kProxyV4),
        proxy_v2(0x22, 0x11, kProxyV4), proxy_v2(kProxy, 0x41, kProxyV4),
        proxy_v2(kProxy, 0x13, kProxyV4), proxy_v2(kProxy, 0x11, kProxyV4.substr(1)),
        proxy_v2(kProxy, 0x21, kProxyV4), proxy_v2(kProxy, 0x31, std::string(215, '\0')),
        proxy_v2(kProxy, 0x11, kProxyV4 + "\x01"),
        proxy_v2(kProxy, 0x11, kProxyV4 + std::string("\x01\0", 2)),
        proxy_v2(kProxy, 0x11, kProxyV4 + std::string("\x01\0\x01", 3)),
        proxy_v2(kProxy, 0x11, kProxyV4 + proxy_field(0x20, "\x01")), proxy_v2(kLocal, 0x00, most)})
    CHECK(read_header(text).outcome == Outcome::failure);
  // At its head, however much of it has come.
  CHECK(read_header(proxy_v2(kLocal, 0x00, most).substr(0, 16)).outcome == Outcome::failure);
  CHECK(read_header(proxy_v2(kLocal, 0x00, most.substr(16))).outcome == Outcome::header);
}

TEST_CASE("PROXY: the other version is refused at once where only one is taken") {
  const std::string line = "PROXY UNKNOWN\r\n";
  const std::string binary = proxy_v2(kLocal, 0x00, "");
  CHECK(read_header(line, ProxyVersions::v1).outcome == Outcome::header);
  CHECK(read_header(binary, ProxyVersions::v2).outcome == Outcome::header);
  CHECK(read_header(line.substr(0, 1), ProxyVersions::v2).outcome == Outcome::failure);
  CHECK(read_header(binary.substr(0, 1), ProxyVersions::v1).outcome == Outcome::failure);
  CHECK(read_header("", ProxyVersions::v1).outcome == Outcome::need_more);
}

TEST_CASE("PROXY: what a header comes to does not depend on how it is cut") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  const std::vector<std::string> headers{
      "PROXY TCP4 203.0.113.7 10.0.0.1 4660 443\r\nGET / HTTP/1.1\r\n",
      "PROXY UNKNOWN\r\n\x16\x03\x01",
      proxy_v2(kProxy, 0x11, kProxyV4 + proxy_field(0x20, std::string("\x01\0\0\0\0", 5))) +
          "GET /",
      proxy_v2(kProxy, 0x21, kProxyV6 + proxy_field(0x04, "xyz")), proxy_v2(kLocal, 0x00, "")};
  for (int round = 0; round < 5000; ++round) {
    std::string text = headers[below(headers.size())];
    for (std::size_t changes = below(3); changes > 0; --changes)
      text[below(text.size())] = static_cast<char>(below(256));
    text.resize(text.size() - below(4));
    const auto versions = static_cast<ProxyVersions>(below(3));
    const ReadHeader whole = read_header(text, versions);
    const ReadHeader pieces = read_header_in_pieces(text, versions, [&] { return 1 + below(20); });
    CHECK(whole == pieces);
    CHECK(whole.header.size <= text.size() + kMaxProxyHeader);
  }
}

}  // namespace
}  // namespace peal::http::proxy_protocol_test
