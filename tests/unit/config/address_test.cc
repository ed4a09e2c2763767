// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include <doctest/doctest.h>

namespace peal::config {
namespace {

TEST_CASE("parse_address: IPv4 and IPv6 with a port") {
  const auto four = parse_address("127.0.0.1:8080");
  REQUIRE(four);
  CHECK(four->host == "127.0.0.1");
  CHECK(four->port == 8080);
  const auto six = parse_address("[0:0::0001]:0");
  REQUIRE(six);
  CHECK(six->host == "::1");
  CHECK(six->port == 0);
}

TEST_CASE("parse_address: anything else is refused") {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:8o",
                           "127.0.0:80",
                           "localhost:80",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[127.0.0.1]:80",
                           "[::1%lo]:80",
                           "unix:",
                           "unix:@peal",
                           "unix",
                           "systemd:",
                           "systemd:a b",
                           "systemd:a:b"})
    CHECK_MESSAGE(!parse_address(text), text);
}

TEST_CASE("parse_address: Unix sockets, and those of systemd") {
  const auto local = parse_address("unix:/run/peal/peal.sock");
  REQUIRE(local);
  CHECK(local->path == "/run/peal/peal.sock");
  CHECK(local->host.empty());
  const auto passed = parse_address("systemd:web-1.socket");
  REQUIRE(passed);
  CHECK(passed->activation == "web-1.socket");
  for (const char* text : {"127.0.0.1:80", "[::1]:80", "unix:/a b", "systemd:web"}) {
    const auto address = parse_address(text);
    REQUIRE(address);
    Listen listen{"x", address->host, address->port, {}};
    listen.path = address->path;
    listen.activation = address->activation;
    CHECK(address_text(listen) == text);
  }
}

TEST_CASE("format_address: IPv6 gets its brackets back") {
  CHECK(format_address("127.0.0.1", 80) == "127.0.0.1:80");
  CHECK(format_address("::1", 80) == "[::1]:80");
}

TEST_CASE("is_host_pattern: names, addresses, and a star for the labels in front") {
  for (const char* text : {"localhost", "a.example.com", "*.example.com", "127.0.0.1", "[::1]"})
    CHECK_MESSAGE(is_host_pattern(text), text);
  for (const char* text : {"", "*", "*.", "a..b", ".a", "a.", "a.*.b", "*a.b", "a:80", "::1", "[x]",
                           "A.example.com", "a b", "https://a"})
    CHECK_MESSAGE(!is_host_pattern(text), text);
}

TEST_CASE("is_origin_pattern: a scheme and a host, no path") {
  for (const char* text : {"*", "https://app.example.com", "http://localhost:8080",
                           "https://*.example.com:8443", "http://[::1]:80", "http://[::1]"})
    CHECK_MESSAGE(is_origin_pattern(text), text);
  for (const char* text : {"", "null", "app.example.com", "https://", "https://a/", "https://a:x",
                           "https://a:99999", "://a", "https://u@a", "https://*"})
    CHECK_MESSAGE(!is_origin_pattern(text), text);
}

}  // namespace
}  // namespace peal::config
