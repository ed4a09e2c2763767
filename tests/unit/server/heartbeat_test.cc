// SPDX-License-Identifier: Apache-2.0
#include "server/heartbeat.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace peal::server::heartbeat_test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Heartbeat: tells when every reactor has turned, and not before") {
  Heartbeat heartbeat(3, 1s);
  CHECK(heartbeat.period() == 1s);
  heartbeat.beat(0);
  heartbeat.beat(1);
  CHECK_FALSE(heartbeat.take());
  heartbeat.beat(2);
  CHECK(heartbeat.take());
  CHECK_FALSE(heartbeat.take());
}

TEST_CASE("Heartbeat: one that is stuck keeps it silent, however often the others turn") {
  Heartbeat heartbeat(2, 1s);
  for (int i = 0; i < 100; ++i) heartbeat.beat(0);
  CHECK_FALSE(heartbeat.take());
  heartbeat.beat(1);  // it goes on
  CHECK(heartbeat.take());
  heartbeat.beat(1);
  CHECK_FALSE(heartbeat.take());
}

TEST_CASE("Heartbeat: rounds end as often as all turn, whoever comes first") {
  constexpr unsigned kShards = 4;
  constexpr int kBeats = 2000;
  Heartbeat heartbeat(kShards, 1s);
  std::vector<std::thread> threads;
  for (unsigned shard = 0; shard < kShards; ++shard)
    threads.emplace_back([&heartbeat, shard] {
      for (int i = 0; i < kBeats; ++i) heartbeat.beat(shard);
    });
  for (std::thread& thread : threads) thread.join();
  heartbeat.take();
  for (int round = 0; round < 3; ++round) {
    // Each may have beaten in the round that is open already.
    for (unsigned shard = 0; shard < kShards; ++shard) heartbeat.beat(shard);
    for (unsigned shard = 0; shard < kShards; ++shard) heartbeat.beat(shard);
    CHECK(heartbeat.take());
  }
}

}  // namespace
}  // namespace peal::server::heartbeat_test
