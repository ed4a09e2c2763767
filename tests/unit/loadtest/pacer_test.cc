// SPDX-License-Identifier: Apache-2.0
#include "loadtest/pacer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace peal::loadtest::pacer_test {
namespace {

TEST_CASE("Pacer: messages are evenly spaced") {
  const Pacer pacer(1000, 1, 1, 0);
  CHECK(pacer.on());
  CHECK(pacer.due(0) == 0);
  CHECK(pacer.due(1) == 1'000'000);
  CHECK(pacer.due(3'600'000) == 3'600'000'000'000);
}

TEST_CASE("Pacer: the shares of several workers add up to the rate, one after the other") {
  std::vector<std::uint64_t> all;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    const Pacer pacer(1000, 25, 100, static_cast<double>(worker) / 4);
    for (std::uint64_t i = 0; pacer.due(i) < 1'000'000'000; ++i) all.push_back(pacer.due(i));
  }
  std::ranges::sort(all);
  REQUIRE(all.size() == 1000);
  for (std::size_t i = 1; i < all.size(); ++i) {
    CHECK(all[i] - all[i - 1] >= 999'999);
    CHECK(all[i] - all[i - 1] <= 1'000'001);
  }
}

TEST_CASE("Pacer: above 10,000 a second messages are due in groups, at the same rate") {
  const Pacer pacer(50'000, 1, 1, 0);
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    CHECK(pacer.due(i) % Pacer::kGrid == 0);
    CHECK(i * 20'000 - pacer.due(i) < Pacer::kGrid);
  }
}

TEST_CASE("Pacer: how many are due before a time") {
  for (const double rate : {1.0, 3.0, 999.0, 9'999.0, 10'001.0, 50'000.0, 1e6}) {
    CAPTURE(rate);
    const Pacer pacer(rate, 2, 3, 0.5);
    std::uint64_t count = 0;
    for (std::uint64_t time = 0; time < 50'000'000; time += 49'999) {
      while (pacer.due(count) < time) ++count;
      REQUIRE(pacer.due_before(time) == count);
    }
  }
  for (const double rate : {3.0, 7.0, 300.0, 33'333.0}) {
    CAPTURE(rate);
    for (std::uint64_t seconds = 1; seconds < 1000; ++seconds) {
      const std::uint64_t count = Pacer(rate, 1, 1, 0).due_before(seconds * 1'000'000'000);
      CHECK(Pacer(rate, 1, 1, 0).due(count) >= seconds * 1'000'000'000);
      CHECK(Pacer(rate, 1, 1, 0).due(count - 1) < seconds * 1'000'000'000);
    }
  }
  CHECK(Pacer(1e9, 1, 1, 0).due_before(3'600'000'000'000) == 3'600'000'000'000);
}

TEST_CASE("Pacer: without a rate it is off") {
  CHECK_FALSE(Pacer().on());
}

}  // namespace
}  // namespace peal::loadtest::pacer_test
