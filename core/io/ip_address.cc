// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace peal::io {
namespace {

constexpr std::size_t kNetworkOctets = 8;  // of an IPv6 address
constexpr std::array<std::byte, 12> kMapped = {
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), octets.begin());
}

IpAddress IpAddress::network() const {
  IpAddress network = *this;
  if (!is_v4())
    std::fill(network.octets.begin() + kNetworkOctets, network.octets.end(), std::byte{});
  return network;
}

std::string IpAddress::text() const {
  if (!known()) return "unknown";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4())
    inet_ntop(AF_INET, octets.data() + kMapped.size(), text.data(), text.size());
  else
    inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
  return text.data();
}

std::string IpAddress::network_text() const {
  return network().text() + (known() && !is_v4() ? "/64" : "");
}

IpAddress peer_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  IpAddress address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    std::ranges::copy(kMapped, address.octets.begin());
    std::memcpy(address.octets.data() + kMapped.size(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    std::memcpy(address.octets.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return address;
}

}  // namespace peal::io
