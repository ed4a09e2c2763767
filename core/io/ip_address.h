// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace peal::io {

/// The IP address of a peer; IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that one
/// client has one address however it came. All zero: none, as of a Unix socket. A value.
struct IpAddress {
  std::array<std::byte, 16> octets{};  ///< in network order

  bool known() const { return *this != IpAddress{}; }
  bool is_v4() const;
  /// What counts as one client: an IPv4 address as it is, the first 64 bits of an IPv6 address,
  /// within which a client may choose as it likes (RFC 4291 section 2.5.4).
  IpAddress network() const;

  /// "203.0.113.7", "2001:db8::1", "unknown"
  std::string text() const;
  /// The same of network(): "203.0.113.7", "2001:db8::/64".
  std::string network_text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Of a connected socket (getpeername(2)); none when that is over, or no IP socket.
IpAddress peer_address(int fd);

}  // namespace peal::io
