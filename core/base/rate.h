// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/base/time.h"

namespace peal {

/// So many events a second, and up to one second's worth of them at once: the generic cell rate
/// algorithm (ITU-T I.371), a token bucket whose whole state is the instant at which all that was
/// taken is paid for. A value.
class Rate {
 public:
  /// No limit.
  constexpr Rate() = default;
  /// Zero, and more than a clock can tell apart (10^9), are no limit.
  constexpr explicit Rate(std::uint64_t per_second)
      : interval_(per_second == 0 ? 0
                                  : kBurst.count() / static_cast<Duration::rep>(
                                                         std::min(per_second, kMost + 1))) {}

  constexpr bool limited() const { return interval_ > Duration::zero(); }

  /// Takes one event; false when it would be above the rate, and nothing is taken. `paid` is the
  /// state, the epoch at first.
  bool take(Instant& paid, Instant now) const {
    const Instant next = after(paid, now);
    if (next - now > kBurst) return false;
    paid = next;
    return true;
  }

 private:
  friend class SharedRate;
  static constexpr Duration kBurst = std::chrono::seconds(1);
  static constexpr std::uint64_t kMost = 1'000'000'000;

  Instant after(Instant paid, Instant now) const { return std::max(paid, now) + interval_; }

  Duration interval_{};
};

/// A Rate that threads share by one atomic: for what happens when connections come, not messages.
class SharedRate {
 public:
  explicit SharedRate(Rate rate) : interval_(rate.interval_) {}

  bool limited() const { return current().limited(); }
  /// Another rate from now on.
  void set(Rate rate) { interval_.store(rate.interval_, std::memory_order_relaxed); }

  /// Takes one event that cannot be refused any more; returns how long to wait with the next one.
  /// What is above the rate meanwhile is paid for by a longer wait.
  Duration spend(Instant now) {
    const Rate rate = current();
    Instant paid = paid_.load(std::memory_order_relaxed);
    Instant next = rate.after(paid, now);
    while (!paid_.compare_exchange_weak(paid, next, std::memory_order_relaxed))
      next = rate.after(paid, now);
    return std::max(Duration::zero(), rate.after(next, now) - now - Rate::kBurst);
  }

 private:
  Rate current() const {
    Rate rate;
    rate.interval_ = interval_.load(std::memory_order_relaxed);
    return rate;
  }

  std::atomic<Duration> interval_;
  std::atomic<Instant> paid_{Instant{}};
};

}  // namespace peal
