// SPDX-License-Identifier: Apache-2.0
#include "core/base/ring.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <random>

namespace peal {
namespace {

TEST_CASE("Ring: does what a deque does, however it grows and turns") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Ring<std::unique_ptr<int>> ring;
    std::deque<int> model;
    const std::size_t most = 1 + random() % 40;
    for (int step = 0; step < 300; ++step) {
      if (!model.empty() && (model.size() == most || random() % 3 == 0)) {
        REQUIRE(*ring.pop_front() == model.front());
        model.pop_front();
      } else {
        ring.push_back(std::make_unique<int>(step));
        model.push_back(step);
      }
      REQUIRE(ring.size() == model.size());
      REQUIRE(ring.empty() == model.empty());
      REQUIRE(ring.capacity() >= ring.size());
      for (std::size_t i = 0; i < model.size(); ++i) REQUIRE(*ring[i] == model[i]);
      if (model.empty()) continue;
      REQUIRE(*ring.front() == model.front());
      REQUIRE(*ring.back() == model.back());
    }
    CHECK(ring.capacity() < std::max<std::size_t>(2 * most, 5));
  }
}

TEST_CASE("Ring: an assigned empty one holds no memory") {
  Ring<int> ring;
  for (int i = 0; i < 100; ++i) ring.push_back(i);
  CHECK(ring.capacity() == 128);
  ring = {};
  CHECK(ring.empty());
  CHECK(ring.capacity() == 0);
  ring.push_back(7);
  CHECK(ring.front() == 7);
}

}  // namespace
}  // namespace peal
