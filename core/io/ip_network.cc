// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "core/base/bytes.h"

namespace peal::io {
namespace {

constexpr std::size_t kMappedAt = 12;  // octets before the IPv4 address in an IPv4-mapped one
constexpr std::uint32_t kMappedMark = 0xffff;

template <class Octets>
IpNetwork network_in(const sockaddr_storage& storage, std::size_t at,
                     IpNetwork (*make)(const Octets&)) {
  Octets octets;
  std::memcpy(octets.data(), reinterpret_cast<const std::byte*>(&storage) + at, octets.size());
  return make(octets);
}

}  // namespace

IpNetwork IpNetwork::of_v4(const std::array<std::byte, 4>& address) {
  return IpNetwork(load_be<std::uint32_t>(address.data()));
}

IpNetwork IpNetwork::of_v6(const std::array<std::byte, 16>& address) {
  const auto network = load_be<std::uint64_t>(address.data());
  if (network >> 32 != 0) return IpNetwork(network);
  if (network == 0 && load_be<std::uint32_t>(address.data() + 8) == kMappedMark)
    return IpNetwork(load_be<std::uint32_t>(address.data() + kMappedAt));
  return IpNetwork(kV6Local);
}

std::string IpNetwork::text() const {
  if (!known()) return "unknown";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    const in_addr address{.s_addr = htonl(static_cast<std::uint32_t>(bits_))};
    inet_ntop(AF_INET, &address, text.data(), text.size());
    return text.data();
  }
  in6_addr address{};
  const std::uint64_t network = bits_ == kV6Local ? 0 : bits_;
  for (std::size_t i = 0; i < sizeof network; ++i)
    address.s6_addr[i] = static_cast<std::uint8_t>(network >> (56 - 8 * i));
  inet_ntop(AF_INET6, &address, text.data(), text.size());
  return std::string(text.data()) + "/64";
}

IpNetwork peer_network(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return {};
  if (storage.ss_family == AF_INET)
    return network_in(storage, offsetof(sockaddr_in, sin_addr), IpNetwork::of_v4);
  if (storage.ss_family == AF_INET6)
    return network_in(storage, offsetof(sockaddr_in6, sin6_addr), IpNetwork::of_v6);
  return {};
}

}  // namespace peal::io
