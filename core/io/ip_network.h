// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/ip_address.h"

namespace peal::io {

/// What counts as one client: an IPv4 address, also where it comes IPv4-mapped (RFC 4291 section
/// 2.5.5.2), or the first 64 bits of an IPv6 address, as the rest is the client's to choose
/// (section 2.5.4). A value of 8 bytes; its default is unknown.
class IpNetwork {
 public:
  constexpr IpNetwork() = default;
  static IpNetwork of(const IpAddress& address);
  /// All clients of Unix sockets, which no address tells apart.
  static constexpr IpNetwork of_unix_socket() { return IpNetwork(kUnixSocket); }

  /// Whether it is the network of an address.
  bool known() const { return bits_ != 0 && bits_ != kUnixSocket; }
  /// Tells one from the others.
  std::uint64_t bits() const { return bits_; }
  /// "203.0.113.7", "2001:db8::/64", "unix", "unknown"
  std::string text() const;

  friend bool operator==(IpNetwork, IpNetwork) = default;

 private:
  static constexpr std::uint64_t kV6Local = 1;
  static constexpr std::uint64_t kUnixSocket = 2;

  explicit constexpr IpNetwork(std::uint64_t bits) : bits_(bits) {}
  bool is_v4() const { return bits_ >> 32 == 0 && bits_ != kV6Local; }

  // IPv4 lies in 0:0::/32, which no IPv6 client has but for ::1 (section 2.4); that is kV6Local. No
  // client has an address in 0.0.0.0/8 (RFC 1122 section 3.2.1.3).
  std::uint64_t bits_ = 0;
};

}  // namespace peal::io
