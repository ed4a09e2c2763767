// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace peal {

/// Monotonic time. A reactor reads the clock once a turn and hands the value down.
using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;
using Duration = Clock::duration;

}  // namespace peal
