// SPDX-License-Identifier: Apache-2.0
#include "core/io/peer.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/base/fd.h"
#include "core/io/listener.h"

namespace peal::io::peer_test {
namespace {

using Kind = Peer::Kind;

TEST_CASE("peer_of: the address of whoever has connected") {
  auto group = open_listeners("127.0.0.1", 0, 1);
  REQUIRE(group);
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(group->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const Fd accepted(::accept(group->sockets[0].get(), nullptr, nullptr));
  const Peer peer = peer_of(accepted.get());
  CHECK(peer.kind == Kind::ip);
  CHECK(peer.address.text() == "127.0.0.1");
  CHECK(peer.network().text() == "127.0.0.1");
}

TEST_CASE("peer_of: a Unix socket has no address, and no socket no peer") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const Fd near(pair[0]);
  const Fd far(pair[1]);
  CHECK(peer_of(near.get()).kind == Kind::unix_socket);
  CHECK(peer_of(near.get()).network().text() == "unix");
  CHECK(peer_of(-1).kind == Kind::unknown);
  CHECK(peer_of(-1).network() == IpNetwork());
}

TEST_CASE("peer_of: a connection that was reset has no peer any more") {
  auto group = open_listeners("127.0.0.1", 0, 1);
  REQUIRE(group);
  Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(group->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const linger none{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
  client.reset();
  const Fd accepted(::accept(group->sockets[0].get(), nullptr, nullptr));
  CHECK(peer_of(accepted.get()).kind == Kind::gone);
  CHECK(peer_of(accepted.get()).network() == IpNetwork());
}

TEST_CASE("TrustedPeers: networks, and Unix sockets when they are named") {
  TrustedPeers trusted;
  const Peer unix_peer{.kind = Kind::unix_socket, .address = {}};
  const Peer near{.kind = Kind::ip, .address = IpAddress::parse("10.1.2.3").value()};
  CHECK_FALSE(trusted.contains(near));
  CHECK_FALSE(trusted.contains(unix_peer));
  trusted.networks = {IpPrefix::parse("::1").value(), IpPrefix::parse("10.0.0.0/8").value()};
  CHECK(trusted.contains(near));
  CHECK_FALSE(trusted.contains(unix_peer));
  CHECK_FALSE(trusted.contains(Peer{}));
  trusted.unix_sockets = true;
  CHECK(trusted.contains(unix_peer));
  CHECK_FALSE(trusted.contains(Peer{}));
}

}  // namespace
}  // namespace peal::io::peer_test
