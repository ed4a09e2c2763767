// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace peal::io {

/// What counts as one client: an IPv4 address, also where it comes IPv4-mapped (RFC 4291 section
/// 2.5.5.2), or the first 64 bits of an IPv6 address, as the rest is the client's to choose
/// (section 2.5.4). A value of 8 bytes; its default is unknown, as of a Unix socket.
class IpNetwork {
 public:
  constexpr IpNetwork() = default;
  static IpNetwork of_v4(const std::array<std::byte, 4>& address);
  static IpNetwork of_v6(const std::array<std::byte, 16>& address);

  bool known() const { return bits_ != 0; }
  /// Tells one from the others.
  std::uint64_t bits() const { return bits_; }
  /// "203.0.113.7", "2001:db8::/64", "unknown"
  std::string text() const;

  friend bool operator==(IpNetwork, IpNetwork) = default;

 private:
  static constexpr std::uint64_t kV6Local = 1;

  explicit constexpr IpNetwork(std::uint64_t bits) : bits_(bits) {}
  bool is_v4() const { return bits_ >> 32 == 0 && bits_ != kV6Local; }

  // IPv4 lies in 0:0::/32, which no IPv6 client has but for ::1 (section 2.4); that is kV6Local.
  std::uint64_t bits_ = 0;
};

/// Of a connected socket (getpeername(2)); unknown when that is over, or no IP socket.
IpNetwork peer_network(int fd);

}  // namespace peal::io
