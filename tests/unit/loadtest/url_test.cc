// SPDX-License-Identifier: Apache-2.0
#include "loadtest/url.h"

#include <doctest/doctest.h>

namespace peal::loadtest::url_test {
namespace {

TEST_CASE("Url: scheme, host, port, path and query") {
  const auto url = parse_url("WSS://example.com:8443/chat/a?last=5#no");
  REQUIRE(url);
  CHECK(url->secure);
  CHECK(url->websocket);
  CHECK(url->host == "example.com");
  CHECK(url->port == 8443);
  CHECK(url->target == "/chat/a?last=5");
  CHECK(url->authority() == "example.com:8443");
}

TEST_CASE("Url: what is left out") {
  CHECK(parse_url("ws://h")->port == 80);
  CHECK(parse_url("https://h")->port == 443);
  CHECK(parse_url("ws://h")->target == "/");
  CHECK(parse_url("ws://h?x=1")->target == "/?x=1");
  CHECK(parse_url("wss://h")->authority() == "h");
  CHECK(parse_url("ws://h:443")->authority() == "h:443");
  CHECK_FALSE(parse_url("http://h")->websocket);
}

TEST_CASE("Url: an IPv6 address stands in brackets") {
  const auto url = parse_url("ws://[::1]:8080/x");
  REQUIRE(url);
  CHECK(url->host == "::1");
  CHECK(url->port == 8080);
  CHECK(url->authority() == "[::1]:8080");
  CHECK(parse_url("ws://[::1]")->authority() == "[::1]");
}

TEST_CASE("Url: what is none is refused, and told") {
  for (const char* text : {"", "example.com", "ftp://h/", "ws:/h", "ws://", "ws://:80/",
                           "ws://h:0/", "ws://h:65536/", "ws://h:x/", "ws://[::1", "ws://[::1]x/",
                           "ws://user:pw@h/", "ws://h/a b", "ws://h/\xc3\xa4", "ws://h/\r\nX: y"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK_FALSE(url.error().empty());
  }
}

TEST_CASE("Url: a name is told from an address of either family") {
  for (const char* text : {"ws://127.0.0.1/", "ws://[::1]/", "ws://[2001:db8::f]:1/"}) {
    CAPTURE(text);
    CHECK(parse_url(text)->has_address());
  }
  for (const char* text : {"ws://localhost/", "ws://1.2.3.example/", "ws://beef/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_url(text)->has_address());
  }
}

}  // namespace
}  // namespace peal::loadtest::url_test
