// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "core/base/time.h"

namespace peal::server {

/// How the end of many connections is spread over a time.
struct SpreadPolicy {
  Duration over{};    ///< zero: all at once
  double jitter = 0;  ///< 0 to 1: how far each may be from its even place, of the time between two
};

/// The instants of things that happen one after another, evenly over a time, but for the jitter: so
/// reactors that begin together do not go on in step. A value.
class Spread {
 public:
  /// Of nothing.
  Spread() = default;
  Spread(Instant start, const SpreadPolicy& policy, std::size_t count, std::uint32_t seed);

  bool done() const { return taken_ == count_; }
  std::size_t left() const { return count_ - taken_; }
  /// When the next one is due; never before the one before. Requires: not done().
  Instant next() const { return next_; }
  /// The next one has happened. Requires: not done().
  void take();

 private:
  void place();

  Instant start_{};
  SpreadPolicy policy_;
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
  Instant next_{};
  std::minstd_rand random_;
};

}  // namespace peal::server
