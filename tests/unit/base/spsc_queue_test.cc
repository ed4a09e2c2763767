// SPDX-License-Identifier: Apache-2.0
#include "core/base/spsc_queue.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>

using namespace peal;

TEST_CASE("SpscQueue: values come out in the order they went in") {
  SpscQueue<int> queue(4);
  int value = 0;
  CHECK(queue.empty());
  CHECK_FALSE(queue.pop(value));
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  CHECK_FALSE(queue.empty());
  CHECK(queue.pop(value));
  CHECK(value == 1);
  CHECK(queue.pop(value));
  CHECK(value == 2);
  CHECK(queue.empty());
}

TEST_CASE("SpscQueue: holds exactly its capacity") {
  SpscQueue<int> queue(4);
  for (int i = 0; i < 4; ++i) CHECK(queue.push(i));
  CHECK_FALSE(queue.push(4));
  int value = -1;
  CHECK(queue.pop(value));
  CHECK(value == 0);
  CHECK(queue.push(4));
  CHECK_FALSE(queue.push(5));
  for (int i = 1; i <= 4; ++i) {
    CHECK(queue.pop(value));
    CHECK(value == i);
  }
}

TEST_CASE("SpscQueue: one slot is a queue too") {
  SpscQueue<int> queue(1);
  for (int i = 0; i < 10; ++i) {
    CHECK(queue.push(i));
    CHECK_FALSE(queue.push(i));
    int value = -1;
    CHECK(queue.pop(value));
    CHECK(value == i);
  }
}

TEST_CASE("SpscQueue: between two threads nothing is lost, doubled or torn") {
  constexpr std::uint64_t kCount = 200'000;
  struct Pair {
    std::uint64_t number;
    std::uint64_t check;
  };
  SpscQueue<Pair> queue(64);
  std::thread pusher([&] {
    for (std::uint64_t i = 0; i < kCount; ++i)
      while (!queue.push({i, ~i})) std::this_thread::yield();
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    Pair pair{};
    while (!queue.pop(pair)) std::this_thread::yield();
    wrong += pair.number != i || pair.check != ~i;
  }
  pusher.join();
  CHECK(wrong == 0);
  CHECK(queue.empty());
}
