// SPDX-License-Identifier: Apache-2.0
#include "core/base/ip_address.h"

#include <doctest/doctest.h>

namespace peal::ip_address_test {
namespace {

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

IpPrefix prefix(std::string_view text) {
  const auto parsed = IpPrefix::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

TEST_CASE("IpAddress: what is read is written alike") {
  for (const char* text : {"0.0.0.0", "203.0.113.7", "255.255.255.255", "::", "::1", "2001:db8::1"})
    CHECK(address(text).text() == text);
  CHECK(address("2001:DB8:0:0::0001").text() == "2001:db8::1");
}

TEST_CASE("IpAddress: an IPv4 address is the same when it comes IPv4-mapped") {
  CHECK(address("::ffff:203.0.113.7") == address("203.0.113.7"));
  CHECK(address("::ffff:203.0.113.7").is_v4());
  CHECK_FALSE(address("::203.0.113.7").is_v4());
}

TEST_CASE("IpAddress: anything else is refused") {
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4:80", "[::1]", "::1%lo",
        ":::", "localhost", "1.2.3.4/8", " 1.2.3.4"})
    CHECK_MESSAGE(!IpAddress::parse(text), text);
  CHECK(!IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  CHECK(!IpAddress::parse(std::string(200, '1')));
}

TEST_CASE("IpPrefix: a network has what begins with its bits") {
  CHECK(prefix("10.0.0.0/8").contains(address("10.255.0.1")));
  CHECK_FALSE(prefix("10.0.0.0/8").contains(address("11.0.0.0")));
  CHECK(prefix("10.128.0.0/9").contains(address("10.128.0.1")));
  CHECK_FALSE(prefix("10.128.0.0/9").contains(address("10.127.0.1")));
  CHECK(prefix("0.0.0.0/0").contains(address("203.0.113.7")));
  CHECK(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
  CHECK_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
  CHECK(prefix("::1").contains(address("::1")));
  CHECK_FALSE(prefix("::1").contains(address("::2")));
  CHECK(prefix("203.0.113.7").contains(address("::ffff:203.0.113.7")));
}

TEST_CASE("IpPrefix: all of IPv6 is not all of IPv4, nor the other way round") {
  CHECK_FALSE(prefix("::/0").contains(address("203.0.113.7")));
  CHECK(prefix("::/0").contains(address("2001:db8::1")));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(address("2001:db8::1")));
}

TEST_CASE("IpPrefix: bits beyond the length do not count, and it is written without them") {
  CHECK(prefix("10.1.2.3/8").text() == "10.0.0.0/8");
  CHECK(prefix("2001:db8:ffff::/32").text() == "2001:db8::/32");
  CHECK(prefix("10.1.2.3/32").text() == "10.1.2.3");
  CHECK(prefix("::/0").text() == "::/0");
}

TEST_CASE("IpPrefix: anything else is refused") {
  for (const std::string_view text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129",
                                      "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/ 8", "unix", "any"})
    CHECK_MESSAGE(!IpPrefix::parse(text), text);
}

}  // namespace
}  // namespace peal::ip_address_test
