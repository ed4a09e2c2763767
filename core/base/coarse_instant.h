// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "core/base/time.h"

namespace peal {

/// An instant in 4 bytes, for what every connection has some of: in steps, rounded up, so that a
/// time-out that counts from it may come a step late but never early. A value.
/// Limits: means what it says for half a turn of its counter, 99 days, before and after now.
class CoarseInstant {
 public:
  static constexpr Duration kStep = std::chrono::milliseconds(4);

  /// No instant.
  constexpr CoarseInstant() = default;
  constexpr CoarseInstant(Instant instant) : steps_(steps_at(instant)) {}

  constexpr bool known() const { return steps_ != 0; }

  /// Requires: known().
  constexpr Instant near(Instant now) const {
    const auto distance = static_cast<std::int32_t>(steps_ - steps_at(now));
    return up(now) + distance * kStep;
  }

  /// Neither the later of the two nor the same; without an instant before all others.
  friend constexpr bool operator<(CoarseInstant one, CoarseInstant other) {
    if (!one.known() || !other.known()) return other.known();
    return static_cast<std::int32_t>(one.steps_ - other.steps_) < 0;
  }
  friend constexpr bool operator==(CoarseInstant, CoarseInstant) = default;

 private:
  static constexpr Instant up(Instant instant) {
    return Instant((instant.time_since_epoch() + kStep - Duration(1)) / kStep * kStep);
  }
  static constexpr std::uint32_t steps_at(Instant instant) {
    const auto steps = static_cast<std::uint32_t>(up(instant).time_since_epoch() / kStep);
    return steps == 0 ? 1 : steps;  // 0 is no instant
  }

  std::uint32_t steps_ = 0;
};

}  // namespace peal
