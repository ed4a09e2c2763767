// SPDX-License-Identifier: Apache-2.0
#include "core/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "core/base/ascii.h"

namespace peal {
namespace {

constexpr std::size_t kMappedAt = 12;  // octets before the IPv4 address in an IPv4-mapped one
constexpr unsigned kMappedBits = 8 * kMappedAt;
constexpr std::array<std::byte, kMappedAt> kMapped = [] {
  std::array<std::byte, kMappedAt> octets{};
  octets[10] = octets[11] = std::byte{0xff};
  return octets;
}();

}  // namespace

IpAddress IpAddress::of_v4(std::span<const std::byte, 4> octets) {
  IpAddress address;
  std::ranges::copy(kMapped, address.octets_.begin());
  std::ranges::copy(octets, address.octets_.begin() + kMappedAt);
  return address;
}

IpAddress IpAddress::of_v6(std::span<const std::byte, 16> octets) {
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  std::array<std::byte, 16> v6;
  if (inet_pton(AF_INET6, copy.data(), v6.data()) == 1) return of_v6(v6);
  std::array<std::byte, 4> v4;
  if (inet_pton(AF_INET, copy.data(), v4.data()) == 1) return of_v4(v4);
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), octets_.begin());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4())
    inet_ntop(AF_INET, octets_.data() + kMappedAt, text.data(), text.size());
  else
    inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned bits) : bits_(bits) {
  IpAddress::Octets octets = address.octets();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const unsigned kept = std::clamp(bits, unsigned(8 * i), unsigned(8 * i + 8)) - unsigned(8 * i);
    octets[i] &= static_cast<std::byte>(0xff00u >> kept);
  }
  first_ = IpAddress::of_v6(octets);
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpPrefix(*address, 128);
  const auto length = ascii::parse_decimal(text.substr(slash + 1));
  const bool v4 = text.find(':') == std::string_view::npos;
  if (!length || *length > (v4 ? 32u : 128u)) return std::nullopt;
  return IpPrefix(*address, static_cast<unsigned>(*length) + (v4 ? kMappedBits : 0));
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.is_v4() == first_.is_v4() && IpPrefix(address, bits_).first_ == first_;
}

std::string IpPrefix::text() const {
  if (bits_ == 128) return first_.text();
  return first_.text() + '/' + std::to_string(first_.is_v4() ? bits_ - kMappedBits : bits_);
}

}  // namespace peal
