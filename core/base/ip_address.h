// SPDX-License-Identifier: Apache-2.0
// IP addresses and networks of them, as values.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace peal {

/// An IPv4 or IPv6 address. An IPv4 one is kept IPv4-mapped (RFC 4291 section 2.5.5.2), so that it
/// is the same however a socket tells it.
class IpAddress {
 public:
  using Octets = std::array<std::byte, 16>;

  /// "::"
  constexpr IpAddress() = default;
  static IpAddress of_v4(std::span<const std::byte, 4> octets);
  static IpAddress of_v6(std::span<const std::byte, 16> octets);

  /// Reads "203.0.113.7" or "2001:db8::1" (inet_pton(3)); nullopt for anything else.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  const Octets& octets() const { return octets_; }
  /// "203.0.113.7", "2001:db8::1"
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  Octets octets_{};
};

/// The addresses that begin with the same bits.
class IpPrefix {
 public:
  /// Reads "10.0.0.0/8", "2001:db8::/32", or one address; nullopt for anything else. Bits beyond
  /// the length are cleared.
  static std::optional<IpPrefix> parse(std::string_view text);

  /// An IPv4 address is in no network of IPv6.
  bool contains(const IpAddress& address) const;

  const IpAddress& first() const { return first_; }
  /// "10.0.0.0/8"; "::1" where it is one address.
  std::string text() const;

 private:
  IpPrefix(const IpAddress& address, unsigned bits);

  IpAddress first_;
  unsigned bits_ = 0;  // of the 128
};

}  // namespace peal
