// SPDX-License-Identifier: Apache-2.0
#include "core/base/object_pool.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

using namespace peal;

namespace {

struct Pair {
  std::uint64_t first;
  std::uint32_t second;
};

}  // namespace

TEST_CASE("ObjectPool: an object has the value it was taken with") {
  ObjectPool<Pair> pool;
  Pair* pair = pool.take({1, 2});
  CHECK(pair->first == 1);
  CHECK(pair->second == 2);
  CHECK(pool.out() == 1);
  pool.give(pair);
  CHECK(pool.out() == 0);
}

TEST_CASE("ObjectPool: what came back last goes out first") {
  ObjectPool<Pair> pool;
  Pair* a = pool.take({});
  Pair* b = pool.take({});
  pool.give(a);
  pool.give(b);
  CHECK(pool.take({}) == b);
  CHECK(pool.take({}) == a);
}

TEST_CASE("ObjectPool: objects smaller than a pointer have a place of their own") {
  ObjectPool<std::uint8_t> pool;
  std::vector<std::uint8_t*> out;
  for (int i = 0; i < 256; ++i) out.push_back(pool.take(static_cast<std::uint8_t>(i)));
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(*out[i] == i);
}

TEST_CASE("ObjectPool: no two takers share an object, whatever the order") {
  constexpr std::uint64_t seed = 23;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  struct Taken {
    Pair* pair;
    std::uint64_t mark;
  };
  ObjectPool<Pair> pool;
  std::vector<Taken> taken;
  std::set<Pair*> places;
  for (int step = 0; step < 20'000; ++step) {
    if (taken.empty() || random() % 100 < 51) {
      const std::uint64_t mark = random();
      taken.push_back({pool.take({mark, 0}), mark});
      places.insert(taken.back().pair);
    } else {
      std::swap(taken[random() % taken.size()], taken.back());
      REQUIRE(taken.back().pair->first == taken.back().mark);
      pool.give(taken.back().pair);
      taken.pop_back();
    }
    REQUIRE(pool.out() == taken.size());
  }
  for (const Taken& last : taken) CHECK(last.pair->first == last.mark);
  // Every place is used again before the pool grows.
  CHECK(places.size() < 1000);
}
