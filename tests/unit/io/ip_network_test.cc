// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_network.h"

#include <doctest/doctest.h>

namespace peal::io::ip_network_test {
namespace {

IpNetwork network(std::string_view text) {
  const auto address = IpAddress::parse(text);
  REQUIRE(address);
  return IpNetwork::of(*address);
}

TEST_CASE("IpNetwork: each IPv4 address is one client, IPv4-mapped or not") {
  CHECK(network("203.0.113.7").text() == "203.0.113.7");
  CHECK(network("203.0.113.7") != network("203.0.113.8"));
  CHECK(network("::ffff:203.0.113.7") == network("203.0.113.7"));
}

TEST_CASE("IpNetwork: the /64 of an IPv6 address is one client") {
  CHECK(network("2001:db8:1:2:3:4:5:6").text() == "2001:db8:1:2::/64");
  CHECK(network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2:ffff::"));
  CHECK(network("2001:db8:1:2::1") != network("2001:db8:1:3::1"));
}

TEST_CASE("IpNetwork: the loopback address of IPv6 is known, and no IPv4 address") {
  CHECK(network("::1").known());
  CHECK(network("::1").text() == "::/64");
  CHECK(network("::1") != network("127.0.0.1"));
}

TEST_CASE("IpNetwork: what is no client's address, or none at all, is unknown") {
  for (const char* text : {"0.0.0.0", "0.0.0.1", "0.0.0.2", "0.255.255.255"})
    CHECK_MESSAGE(network(text) == IpNetwork(), text);
  CHECK(network("1.0.0.0").known());
  CHECK_FALSE(IpNetwork().known());
  CHECK(IpNetwork().text() == "unknown");
  CHECK_FALSE(IpNetwork::of_unix_socket().known());
  CHECK(IpNetwork::of_unix_socket().text() == "unix");
}

}  // namespace
}  // namespace peal::io::ip_network_test
