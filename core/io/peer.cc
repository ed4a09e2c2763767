// SPDX-License-Identifier: Apache-2.0
#include "core/io/peer.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

namespace peal::io {

IpNetwork Peer::network() const {
  if (kind == Kind::ip) return IpNetwork::of(address);
  return kind == Kind::unix_socket ? IpNetwork::of_unix_socket() : IpNetwork();
}

Peer peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0)
    return {.kind = errno == ENOTCONN ? Peer::Kind::gone : Peer::Kind::unknown, .address = {}};
  if (storage.ss_family == AF_UNIX) return {.kind = Peer::Kind::unix_socket, .address = {}};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return {Peer::Kind::ip,
            IpAddress::of_v4(std::as_bytes(std::span<const in_addr, 1>(&v4.sin_addr, 1)))};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    return {Peer::Kind::ip,
            IpAddress::of_v6(std::as_bytes(std::span<const in6_addr, 1>(&v6.sin6_addr, 1)))};
  }
  return {};
}

bool TrustedPeers::contains(const IpAddress& address) const {
  return std::ranges::any_of(networks,
                             [&](const IpPrefix& network) { return network.contains(address); });
}

bool TrustedPeers::contains(const Peer& peer) const {
  if (peer.kind == Peer::Kind::unix_socket) return unix_sockets;
  return peer.kind == Peer::Kind::ip && contains(peer.address);
}

}  // namespace peal::io
