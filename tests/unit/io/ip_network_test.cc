// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_network.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "core/base/fd.h"

namespace peal::io {
namespace {

IpNetwork v4(const char* text) {
  std::array<std::byte, 4> octets;
  REQUIRE(inet_pton(AF_INET, text, octets.data()) == 1);
  return IpNetwork::of_v4(octets);
}

IpNetwork v6(const char* text) {
  std::array<std::byte, 16> octets;
  REQUIRE(inet_pton(AF_INET6, text, octets.data()) == 1);
  return IpNetwork::of_v6(octets);
}

TEST_CASE("IpNetwork: each IPv4 address is one client, IPv4-mapped or not") {
  CHECK(v4("203.0.113.7").text() == "203.0.113.7");
  CHECK(v4("203.0.113.7") != v4("203.0.113.8"));
  CHECK(v6("::ffff:203.0.113.7") == v4("203.0.113.7"));
}

TEST_CASE("IpNetwork: the /64 of an IPv6 address is one client") {
  CHECK(v6("2001:db8:1:2:3:4:5:6").text() == "2001:db8:1:2::/64");
  CHECK(v6("2001:db8:1:2:3:4:5:6") == v6("2001:db8:1:2:ffff::"));
  CHECK(v6("2001:db8:1:2::1") != v6("2001:db8:1:3::1"));
}

TEST_CASE("IpNetwork: the loopback address of IPv6 is known, and no IPv4 address") {
  CHECK(v6("::1").known());
  CHECK(v6("::1").text() == "::/64");
  CHECK(v6("::1") != v4("127.0.0.1"));
}

TEST_CASE("IpNetwork: a socket without an address is unknown") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  CHECK_FALSE(peer_network(near.get()).known());
  CHECK_FALSE(peer_network(-1).known());
  CHECK(IpNetwork{}.text() == "unknown");
}

}  // namespace
}  // namespace peal::io
