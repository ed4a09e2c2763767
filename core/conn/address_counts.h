// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "core/io/ip_network.h"

namespace peal::conn {

/// How many connections each client has open, in the whole process.
///
/// Owner: an Admission. Thread: any; a lock of one stripe is held when a connection comes or goes.
/// Limits: one entry for each client that has a connection.
class AddressCounts {
 public:
  /// One connection more; returns how many there are now.
  std::uint64_t add(io::IpNetwork client);
  /// One less. Requires: it was added.
  void remove(io::IpNetwork client);
  std::uint64_t count(io::IpNetwork client);

  /// Clients with a connection.
  std::size_t clients();

 private:
  static constexpr std::size_t kStripes = 64;

  struct Hash {
    std::size_t operator()(std::uint64_t bits) const;
  };
  struct alignas(64) Stripe {
    std::mutex lock;
    std::unordered_map<std::uint64_t, std::uint64_t, Hash> counts;
  };

  Stripe& stripe_of(io::IpNetwork client);

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace peal::conn
