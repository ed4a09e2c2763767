// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace peal::loadtest {

/// The times at which one worker's messages are due in an open loop: evenly spaced, whatever the
/// server does. Those of less than kGrid are due together at its beginning: a client that woke up
/// for each of them would spend more on waking than the server on answering. A value.
class Pacer {
 public:
  Pacer() = default;
  /// Of `per_second` messages of all workers together this one has `share` of `whole`, and begins
  /// that much into the first interval.
  Pacer(double per_second, std::uint64_t share, std::uint64_t whole, double phase)
      : spacing_(1e9 * static_cast<double>(whole) / (per_second * static_cast<double>(share))),
        phase_(phase * spacing_) {}

  static constexpr std::uint64_t kGrid = 100'000;  ///< ns

  bool on() const { return spacing_ > 0; }

  /// When message `number` of this worker is due, in ns since the run began.
  std::uint64_t due(std::uint64_t number) const {
    const auto time = static_cast<std::uint64_t>(phase_ + static_cast<double>(number) * spacing_);
    return spacing_ < kGrid ? time - time % kGrid : time;
  }

  /// How many are due before `time`. Requires: on().
  std::uint64_t due_before(std::uint64_t time) const {
    const std::uint64_t end = spacing_ < kGrid ? (time + kGrid - 1) / kGrid * kGrid : time;
    const double guess = (static_cast<double>(end) - phase_) / spacing_;
    std::uint64_t count = guess > 0 ? static_cast<std::uint64_t>(guess) : 0;
    while (count > 0 && due(count - 1) >= time) --count;
    while (due(count) < time) ++count;
    return count;
  }

 private:
  double spacing_ = 0;  // ns
  double phase_ = 0;    // ns
};

}  // namespace peal::loadtest
