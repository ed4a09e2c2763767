// SPDX-License-Identifier: Apache-2.0
#include "loadtest/tally.h"

#include <doctest/doctest.h>

namespace peal::loadtest::tally_test {
namespace {

using namespace std::chrono_literals;

constexpr Instant kBegin{1000s};

/// One second, in two intervals.
struct Measure {
  Measure() {
    tally.plan({.origin = kBegin - 1s, .begin = kBegin, .end = kBegin + 1s, .interval = 500ms});
  }

  /// A message comes in a turn of its own.
  void arrive(Duration at, Duration latency = 1ms) {
    tally.turn(kBegin + at);
    tally.arrive(static_cast<std::uint64_t>(latency.count()), 10, kBegin + at);
  }
  std::uint64_t counted(std::size_t interval) const { return tally.intervals()[interval].messages; }

  Tally tally;
};

TEST_CASE("Tally: what comes counts in the turn in which it comes") {
  Measure measure;
  measure.arrive(-1ms);
  CHECK(measure.counted(0) == 0);
  measure.arrive(0ms);
  measure.arrive(499ms);
  measure.arrive(500ms);
  measure.arrive(999ms);
  CHECK(measure.counted(0) == 2);
  CHECK(measure.counted(1) == 2);
  measure.arrive(1s);
  CHECK(measure.counted(0) + measure.counted(1) == 4);
}

TEST_CASE("Tally: what was due while it was measured and comes later counts for latency alone") {
  Measure measure;
  measure.arrive(1500ms, 501ms);
  measure.arrive(1500ms, 500ms);  // due at the end
  measure.arrive(2s, 2001ms);     // due before the beginning
  CHECK(measure.tally.late().count() == 1);
  CHECK(measure.counted(0) + measure.counted(1) == 0);
}

TEST_CASE("Tally: a measure that is stopped early ends there") {
  Measure measure;
  measure.arrive(100ms);
  measure.tally.stop(kBegin + 200ms);
  measure.arrive(300ms, 150ms);
  measure.arrive(400ms, 100ms);
  CHECK(measure.counted(0) == 1);
  CHECK(measure.tally.late().count() == 1);
}

TEST_CASE("Tally: one that is stopped before it has begun measures nothing") {
  Measure measure;
  measure.tally.stop(kBegin - 100ms);
  measure.arrive(100ms, 150ms);
  CHECK(measure.counted(0) == 0);
  CHECK(measure.tally.late().count() == 0);
}

TEST_CASE("Tally: a planned end is not put off") {
  Measure measure;
  measure.tally.stop(kBegin + 2s);
  measure.arrive(1100ms, 1ms);
  CHECK(measure.counted(1) == 0);
}

}  // namespace
}  // namespace peal::loadtest::tally_test
