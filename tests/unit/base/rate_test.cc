// SPDX-License-Identifier: Apache-2.0
#include "core/base/rate.h"

#include <doctest/doctest.h>

#include <random>
#include <thread>
#include <vector>

namespace peal {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1'000'000s};

/// How many of `tries` at `now` are let through.
int taken(const Rate& rate, Instant& paid, Instant now, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += rate.take(paid, now);
  return count;
}

TEST_CASE("Rate: a second's worth at once, and then one by one") {
  constexpr Rate kRate(10);
  Instant paid{};
  CHECK(taken(kRate, paid, kStart, 100) == 10);
  CHECK(taken(kRate, paid, kStart + 99ms, 100) == 0);
  CHECK(taken(kRate, paid, kStart + 100ms, 100) == 1);
  CHECK(taken(kRate, paid, kStart + 500ms, 100) == 4);
  CHECK(taken(kRate, paid, kStart + 1h, 100) == 10);
}

TEST_CASE("Rate: one a second") {
  constexpr Rate kRate(1);
  Instant paid{};
  CHECK(taken(kRate, paid, kStart, 2) == 1);
  CHECK(taken(kRate, paid, kStart + 999ms, 2) == 0);
  CHECK(taken(kRate, paid, kStart + 1s, 2) == 1);
}

TEST_CASE("Rate: zero and more than a clock can tell apart are no limit") {
  CHECK_FALSE(Rate().limited());
  CHECK_FALSE(Rate(0).limited());
  CHECK_FALSE(Rate(1'000'000'001).limited());
  CHECK(Rate(1'000'000'000).limited());
  CHECK(Rate(1).limited());
}

TEST_CASE("Rate: in any stretch no more than the burst and the rate") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const Rate rate(1000);
  Instant paid{};
  Instant now = kStart;
  int count = 0;
  while (now < kStart + 20s) {
    count += taken(rate, paid, now, static_cast<int>(random() % 40));
    now += Duration(random() % 20'000'000);
  }
  CHECK(count <= 21'000);
  CHECK(count > 15'000);
}

TEST_CASE("SharedRate: what is above the rate makes the next wait longer") {
  SharedRate rate(Rate(10));
  for (int i = 0; i < 9; ++i) CHECK(rate.spend(kStart) == 0ms);
  CHECK(rate.spend(kStart) == 100ms);
  CHECK(rate.spend(kStart) == 200ms);
  CHECK(rate.spend(kStart + 200ms) == 100ms);
  CHECK(rate.spend(kStart + 1h) == 0ms);
}

TEST_CASE("SharedRate: threads share one budget") {
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  SharedRate rate(Rate(1000));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&rate] {
      for (int n = 0; n < kEach; ++n) rate.spend(kStart);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(rate.spend(kStart) == (kThreads * kEach + 1) * 1ms + 1ms - 1s);
}

}  // namespace
}  // namespace peal
