// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/time.h"

namespace peal::test {

/// Time that passes when a test says so. One for the thread; a test that starts with
/// FakeClock::reset() does not depend on the one before.
class FakeClock {
 public:
  static Instant now() { return now_; }
  static void reset() { now_ = Instant(std::chrono::hours(1)); }
  static void advance(Duration by) { now_ += by; }

 private:
  static inline thread_local Instant now_{std::chrono::hours(1)};
};

}  // namespace peal::test
