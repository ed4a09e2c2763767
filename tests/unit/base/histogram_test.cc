// SPDX-License-Identifier: Apache-2.0
#include "core/base/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace peal::histogram_test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("DurationHistogram: a time is in the first bucket that is long enough for it") {
  CHECK(std::ranges::is_sorted(DurationHistogram::kBounds));
  DurationHistogram times;
  times.observe(-1s);
  times.observe(50us);
  times.observe(51us);
  times.observe(1h);
  CHECK(times.count(0) == 2);
  CHECK(times.count(1) == 1);
  CHECK(times.count(DurationHistogram::kBounds.size()) == 1);
  CHECK(times.total() == 4);
  CHECK(times.sum() == 1h + 101us);
}

TEST_CASE("DurationHistogram: two add up, bucket by bucket") {
  DurationHistogram one;
  DurationHistogram other;
  one.observe(1ms);
  other.observe(1ms);
  other.observe(2s);
  one += other;
  CHECK(one.total() == 3);
  CHECK(one.count(4) == 2);
  CHECK(one.sum() == 2s + 2ms);
}

}  // namespace
}  // namespace peal::histogram_test
