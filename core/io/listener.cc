// SPDX-License-Identifier: Apache-2.0
#include "core/io/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace peal::io {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> parse_address(const std::string& host, std::uint16_t port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    return error("not an IP address", 0);
  }
  return address;
}

Result<> enable(int fd, int level, int option, const char* name) {
  const int on = 1;
  if (setsockopt(fd, level, option, &on, sizeof on) < 0) return last_error(name);
  return {};
}

/// One that binds alone notices a port in use; only then does it let the others of this process in.
Result<Fd> bind_one(Address& address, bool alone) {
  Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket");
  if (auto set = enable(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"); !set)
    return std::unexpected(set.error());
  if (address.storage.ss_family == AF_INET6)
    if (auto set = enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"); !set)
      return std::unexpected(set.error());
  if (!alone)
    if (auto set = enable(fd.get(), SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"); !set)
      return std::unexpected(set.error());
  if (bind(fd.get(), address.get(), address.size) < 0) return last_error("bind");
  if (alone)
    if (auto set = enable(fd.get(), SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"); !set)
      return std::unexpected(set.error());
  if (auto set = enable(fd.get(), IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"); !set)
    return std::unexpected(set.error());
  return fd;
}

}  // namespace

Result<ListenerGroup> open_listeners(const std::string& host, std::uint16_t port, unsigned count,
                                     bool beside_ours) {
  auto address = parse_address(host, port);
  if (!address) return std::unexpected(address.error());
  ListenerGroup group;
  for (unsigned i = 0; i < count; ++i) {
    auto fd = bind_one(*address, i == 0 && !beside_ours);
    if (!fd) return std::unexpected(fd.error());
    if (i == 0 && getsockname(fd->get(), address->get(), &address->size) < 0)
      return last_error("getsockname");
    group.sockets.push_back(std::move(*fd));
  }
  for (const Fd& fd : group.sockets)
    if (listen(fd.get(), kLongestQueue) < 0) return last_error("listen");
  // sin_port and sin6_port stand at the same place.
  sockaddr_in bound;
  std::memcpy(&bound, &address->storage, sizeof bound);
  group.port = ntohs(bound.sin_port);
  return group;
}

void defer_accepts(int listener_fd, bool on) {
  const int seconds = on ? 1 : 0;
  setsockopt(listener_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

std::string address_text(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace peal::io
