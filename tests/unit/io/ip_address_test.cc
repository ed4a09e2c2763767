// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "core/base/fd.h"

namespace peal::io {
namespace {

/// `text` in IPv6 form.
IpAddress address(const char* text) {
  IpAddress address;
  REQUIRE(inet_pton(AF_INET6, text, address.octets.data()) == 1);
  return address;
}

TEST_CASE("IpAddress: IPv4-mapped IPv6 is IPv4, each address a client of its own") {
  const IpAddress one = address("::ffff:203.0.113.7");
  CHECK(one.is_v4());
  CHECK(one.text() == "203.0.113.7");
  CHECK(one.network_text() == "203.0.113.7");
  CHECK(one.network() == one);
  CHECK(one.network() != address("::ffff:203.0.113.8").network());
}

TEST_CASE("IpAddress: the /64 of an IPv6 address is one client") {
  const IpAddress one = address("2001:db8:1:2:3:4:5:6");
  CHECK(one.text() == "2001:db8:1:2:3:4:5:6");
  CHECK(one.network_text() == "2001:db8:1:2::/64");
  CHECK(one.network() == address("2001:db8:1:2:ffff::").network());
  CHECK(one.network() != address("2001:db8:1:3::").network());
}

TEST_CASE("IpAddress: a socket without one has none") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  CHECK_FALSE(peer_address(near.get()).known());
  CHECK_FALSE(peer_address(-1).known());
  CHECK(IpAddress{}.text() == "unknown");
  CHECK(IpAddress{}.network_text() == "unknown");
}

}  // namespace
}  // namespace peal::io
