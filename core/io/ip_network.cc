// SPDX-License-Identifier: Apache-2.0
#include "core/io/ip_network.h"

#include <span>

#include "core/base/bytes.h"

namespace peal::io {

IpNetwork IpNetwork::of(const IpAddress& address) {
  constexpr std::uint64_t kReserved = 1 << 24;  // 0.0.0.0/8
  const std::byte* octets = address.octets().data();
  if (address.is_v4()) {
    const std::uint64_t bits = load_be<std::uint32_t>(octets + 12);
    return bits < kReserved ? IpNetwork() : IpNetwork(bits);
  }
  const auto network = load_be<std::uint64_t>(octets);
  return IpNetwork(network >> 32 != 0 ? network : kV6Local);
}

std::string IpNetwork::text() const {
  if (bits_ == kUnixSocket) return "unix";
  if (!known()) return "unknown";
  IpAddress::Octets octets{};
  if (is_v4()) {
    store_be(octets.data(), static_cast<std::uint32_t>(bits_));
    return IpAddress::of_v4(std::span(octets).first<4>()).text();
  }
  store_be(octets.data(), bits_ == kV6Local ? 0 : bits_);
  return IpAddress::of_v6(octets).text() + "/64";
}

}  // namespace peal::io
