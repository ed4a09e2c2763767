// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace peal {

/// How many times something took how long. A value; two of them add up.
///
/// Owner: who observes. Thread: its owner's. Limits: the bounds are the same for all.
class DurationHistogram {
 public:
  /// Longest time of each bucket, itself included; what takes longer is in none of them.
  static constexpr std::array<Duration, 15> kBounds{
      std::chrono::microseconds(50),  std::chrono::microseconds(100),
      std::chrono::microseconds(250), std::chrono::microseconds(500),
      std::chrono::milliseconds(1),   std::chrono::microseconds(2500),
      std::chrono::milliseconds(5),   std::chrono::milliseconds(10),
      std::chrono::milliseconds(25),  std::chrono::milliseconds(50),
      std::chrono::milliseconds(100), std::chrono::milliseconds(250),
      std::chrono::seconds(1),        std::chrono::milliseconds(2500),
      std::chrono::seconds(10)};

  /// A negative time counts as none.
  void observe(Duration time) {
    if (time < Duration::zero()) time = Duration::zero();
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && time > kBounds[bucket]) ++bucket;
    ++counts_[bucket];
    sum_ += time;
  }

  /// In that bucket alone; the last one, kBounds.size(), has what is in no other.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket]; }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    return total;
  }
  Duration sum() const { return sum_; }

  DurationHistogram& operator+=(const DurationHistogram& more) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += more.counts_[i];
    sum_ += more.sum_;
    return *this;
  }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  Duration sum_{};
};

}  // namespace peal
