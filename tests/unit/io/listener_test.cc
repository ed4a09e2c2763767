// SPDX-License-Identifier: Apache-2.0
#include "core/io/listener.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace peal::io {
namespace {

/// A client connected to a port of this machine; none when it is refused.
Fd client_of(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return Fd();
  return fd;
}

TEST_CASE("open_listeners: several sockets share one port that clients reach") {
  auto group = open_listeners("127.0.0.1", 0, 3);
  REQUIRE(group);
  CHECK(group->sockets.size() == 3);
  CHECK(group->port != 0);
  for (const Fd& socket : group->sockets) {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    CHECK(ntohs(bound.sin_port) == group->port);
  }
  for (int i = 0; i < 10; ++i) CHECK(client_of(group->port));
}

TEST_CASE("open_listeners: as many may wait to be accepted as the kernel's setting allows") {
  int most = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  const auto group = open_listeners("127.0.0.1", 0, 1);
  REQUIRE(group);
  tcp_info info{};
  socklen_t size = sizeof info;
  REQUIRE(::getsockopt(group->sockets[0].get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  CHECK(info.tcpi_sacked == static_cast<std::uint32_t>(std::min(most, kLongestQueue)));
}

TEST_CASE("open_listeners: who comes second gets EADDRINUSE, however many sockets either wants") {
  for (const unsigned first_count : {1u, 2u}) {
    for (const unsigned second_count : {1u, 2u}) {
      auto first = open_listeners("127.0.0.1", 0, first_count);
      REQUIRE(first);
      auto second = open_listeners("127.0.0.1", first->port, second_count);
      REQUIRE_FALSE(second);
      CHECK(second.error().sys_errno == EADDRINUSE);
    }
  }
}

TEST_CASE("open_listeners: all addresses of a port beside one of them that is ours") {
  auto one = open_listeners("127.0.0.1", 0, 2);
  REQUIRE(one);
  CHECK_FALSE(open_listeners("0.0.0.0", one->port, 2));
  auto all = open_listeners("0.0.0.0", one->port, 2, true);
  REQUIRE(all);
  one->sockets.clear();
  CHECK(open_listeners("127.0.0.1", all->port, 1, true));
}

TEST_CASE("open_listeners: a port is free again at once after its clients") {
  std::uint16_t port = 0;
  for (int i = 0; i < 3; ++i) {
    auto group = open_listeners("127.0.0.1", port, 1);
    REQUIRE(group);
    port = group->port;
    const Fd client = client_of(port);
    REQUIRE(client);
    const Fd accepted(::accept(group->sockets[0].get(), nullptr, nullptr));
    CHECK(accepted);  // closed first by us: TIME-WAIT is on our side
  }
}

TEST_CASE("open_listeners: IPv6") {
  auto group = open_listeners("::1", 0, 2);
  if (!group && group.error().sys_errno == EADDRNOTAVAIL) return;  // a machine without it
  REQUIRE(group);
  CHECK(group->port != 0);
  CHECK_FALSE(client_of(group->port));  // nobody listens on IPv4
  auto again = open_listeners("::1", group->port, 1);
  REQUIRE_FALSE(again);
  CHECK(again.error().sys_errno == EADDRINUSE);
}

TEST_CASE("open_listeners: what is accepted sends small packets at once") {
  auto group = open_listeners("127.0.0.1", 0, 1);
  REQUIRE(group);
  const Fd client = client_of(group->port);
  const Fd accepted(::accept(group->sockets[0].get(), nullptr, nullptr));
  int on = 0;
  socklen_t size = sizeof on;
  REQUIRE(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
  CHECK(on != 0);
}

TEST_CASE("open_listeners: what is no address, or not of this machine") {
  auto name = open_listeners("localhost", 0, 1);
  REQUIRE_FALSE(name);
  CHECK(name.error().text() == "not an IP address");
  auto foreign = open_listeners("192.0.2.1", 0, 1);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().sys_errno == EADDRNOTAVAIL);
}

TEST_CASE("address_text: an IPv6 address stands in brackets") {
  CHECK(address_text("127.0.0.1", 80) == "127.0.0.1:80");
  CHECK(address_text("::1", 8080) == "[::1]:8080");
}

}  // namespace
}  // namespace peal::io
