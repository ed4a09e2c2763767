// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace peal::loadtest {

/// Counts values in log-linear buckets, as HdrHistogram does: exact below 256, and from there on
/// 128 buckets for each doubling, so that what is reported is at most 1/128 (0.8 %) above what was
/// recorded. Least, largest and mean are exact.
///
/// Values are nanoseconds here, though nothing depends on it. Limits: larger ones count as kMost
/// (18 minutes); 34 KiB.
class Histogram {
 public:
  static constexpr int kStepBits = 7;  ///< 2^7 buckets for each doubling
  static constexpr int kValueBits = 40;
  static constexpr std::uint64_t kMost = (std::uint64_t{1} << kValueBits) - 1;

  void record(std::uint64_t value) {
    value = std::min(value, kMost);
    ++buckets_[bucket_of(value)];
    ++count_;
    sum_ += value;
    least_ = std::min(least_, value);
    largest_ = std::max(largest_, value);
  }

  void add(const Histogram& other);

  std::uint64_t count() const { return count_; }
  /// Of the values themselves; all 0 while there are none.
  std::uint64_t least() const { return count_ == 0 ? 0 : least_; }
  std::uint64_t largest() const { return largest_; }
  double mean() const;

  /// The value that `percent` (0 to 100) of all values are not above, or up to 1/128 more.
  std::uint64_t percentile(double percent) const;

  /// Calls `visit(low, high, count)` for each bucket that is not empty, in order; both ends are in.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      if (buckets_[i] > 0) visit(lowest_of(i), highest_of(i), buckets_[i]);
  }

 private:
  static constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
  static constexpr std::size_t kBuckets = (kValueBits - kStepBits + 1) * kSteps;

  static constexpr std::size_t bucket_of(std::uint64_t value) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - (kStepBits + 1));
    return static_cast<std::size_t>(shift) * kSteps + (value >> shift);
  }
  static constexpr std::uint64_t lowest_of(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const auto shift = bucket / kSteps - 1;
    return (bucket % kSteps + kSteps) << shift;
  }
  static constexpr std::uint64_t highest_of(std::size_t bucket) {
    return bucket + 1 < kBuckets ? lowest_of(bucket + 1) - 1 : kMost;
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t least_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t largest_ = 0;
};

}  // namespace peal::loadtest
