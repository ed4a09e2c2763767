// SPDX-License-Identifier: Apache-2.0
#include "loadtest/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace peal::loadtest::histogram_test {
namespace {

TEST_CASE("Histogram: an empty one has nothing to tell") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.least() == 0);
  CHECK(histogram.largest() == 0);
  CHECK(histogram.mean() == 0);
  CHECK(histogram.percentile(99) == 0);
}

TEST_CASE("Histogram: values below 256 are exact") {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 256; ++value) histogram.record(value);
  for (int percent = 1; percent <= 100; ++percent)
    CHECK(histogram.percentile(percent) ==
          static_cast<std::uint64_t>((percent * 256 + 99) / 100 - 1));
}

TEST_CASE("Histogram: what is reported is at most 1/128 above what was recorded, never below") {
  std::uint64_t value = 1;
  for (; value < Histogram::kMost; value += value / 7 + 1) {
    Histogram histogram;
    histogram.record(0);
    histogram.record(value);
    histogram.record(Histogram::kMost);  // or the largest would be told exactly
    const std::uint64_t told = histogram.percentile(66);
    CAPTURE(value);
    CHECK(told >= value);
    CHECK(told - value <= value / 128);
  }
}

TEST_CASE("Histogram: percentiles are those of the sorted values, within the error bound") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latency(11, 1.5);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
    const std::uint64_t exact = values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
    const std::uint64_t told = histogram.percentile(percent);
    CAPTURE(percent);
    CHECK(told >= exact);
    CHECK(told - exact <= exact / 128);
  }
  CHECK(histogram.least() == values.front());
  CHECK(histogram.largest() == values.back());
}

TEST_CASE("Histogram: added together, two are one") {
  Histogram first;
  Histogram second;
  Histogram both;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    (i % 3 ? first : second).record(i * i);
    both.record(i * i);
  }
  first.add(second);
  CHECK(first.count() == both.count());
  CHECK(first.mean() == both.mean());
  for (int percent = 0; percent <= 100; ++percent)
    CHECK(first.percentile(percent) == both.percentile(percent));
  first.add(Histogram());
  CHECK(first.least() == 0);
  CHECK(first.largest() == 999 * 999);
}

TEST_CASE("Histogram: a value above the limit counts as the limit") {
  Histogram histogram;
  histogram.record(~std::uint64_t{0});
  CHECK(histogram.largest() == Histogram::kMost);
  CHECK(histogram.percentile(50) == Histogram::kMost);
}

TEST_CASE("Histogram: the buckets tell of every value once") {
  Histogram histogram;
  for (std::uint64_t value = 1; value < 1'000'000; value = value * 3 / 2 + 1)
    histogram.record(value);
  std::uint64_t count = 0;
  std::uint64_t end = 0;
  histogram.for_each([&](std::uint64_t low, std::uint64_t high, std::uint64_t times) {
    CHECK(low <= high);
    CHECK((count == 0 || low > end));
    end = high;
    count += times;
  });
  CHECK(count == histogram.count());
}

}  // namespace
}  // namespace peal::loadtest::histogram_test
