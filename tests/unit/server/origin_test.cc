// SPDX-License-Identifier: Apache-2.0
#include "server/origin.h"

#include <doctest/doctest.h>

#include <vector>

namespace peal::server {
namespace {

using List = std::vector<std::string>;

bool allowed(std::string_view origin, const List& list = {}) {
  return origin_allowed(origin, "http", "example.com:8080", list);
}

TEST_CASE("origin_allowed: what is not a browser passes") {
  CHECK(allowed(""));
}

TEST_CASE("origin_allowed: the same scheme, host and port pass") {
  CHECK(allowed("http://example.com:8080"));
  CHECK(allowed("HTTP://EXAMPLE.com:8080"));
  for (const char* origin :
       {"https://example.com:8080", "http://example.com", "http://example.com:80",
        "http://example.com:80801", "http://www.example.com:8080", "http://example.com.evil:8080",
        "http://evil", "example.com:8080", "http://example.com:8080/",
        "http://user@example.com:8080", "null"})
    CHECK_MESSAGE(!allowed(origin), origin);
}

TEST_CASE("origin_allowed: the port of the scheme may be left out") {
  CHECK(origin_allowed("http://a", "http", "a:80", {}));
  CHECK(origin_allowed("http://a:80", "http", "a", {}));
  CHECK(origin_allowed("https://a", "https", "a:443", {}));
  CHECK_FALSE(origin_allowed("https://a", "http", "a:443", {}));
  CHECK(origin_allowed("http://[::1]:8080", "http", "[::1]:8080", {}));
}

TEST_CASE("origin_allowed: entries of the list, exact or with a star in front") {
  const List list{"https://app.example.org", "https://*.example.net:8443"};
  CHECK(allowed("https://app.example.org", list));
  CHECK(allowed("https://app.example.org:443", list));
  CHECK(allowed("https://a.example.net:8443", list));
  CHECK(allowed("https://a.b.EXAMPLE.net:8443", list));
  CHECK(allowed("http://example.com:8080", list));
  for (const char* origin : {"http://app.example.org", "https://x.app.example.org",
                             "https://example.net:8443", "https://.example.net:8443",
                             "https://evilexample.net:8443", "https://a.example.net", "null"})
    CHECK_MESSAGE(!allowed(origin, list), origin);
}

TEST_CASE("origin_allowed: a star lets any page in, and nothing else does for null") {
  CHECK(allowed("https://anything", List{"*"}));
  CHECK(allowed("null", List{"https://a", "*"}));
  CHECK_FALSE(allowed("null", List{"https://*.a"}));
}

TEST_CASE("origin_allowed: the Host field is never a pattern") {
  CHECK_FALSE(origin_allowed("http://x.evil", "http", "*.evil", {}));
  CHECK_FALSE(origin_allowed("http://", "http", "", {}));
}

}  // namespace
}  // namespace peal::server
