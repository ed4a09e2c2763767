// SPDX-License-Identifier: Apache-2.0
#include "server/metrics_service.h"

#include <doctest/doctest.h>

#include <thread>

namespace peal::server::metrics_service_test {
namespace {

using namespace std::chrono_literals;

constexpr auto kTooLong = 10s;

/// Calls `done` until it is true.
template <class Done>
bool wait_for(Done&& done) {
  const auto end = Clock::now() + kTooLong;
  while (!done()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(100us);
  }
  return true;
}

/// A service without shards: the test is in their place.
struct Rig {
  explicit Rig(unsigned shards, Duration patience = MetricsService::kPatience)
      : notices(shards),
        service({.shards = shards,
                 .labels = &labels,
                 .notices = &notices,
                 .wake = [this](hub::ShardIndex) { ++wakes; }},
                patience) {}

  void give(hub::ShardIndex shard, std::uint64_t accepted) {
    REQUIRE(wait_for([&] { return service.take_wish(shard); }));
    Snapshot snapshot;
    snapshot.table.accepted = accepted;
    service.give(shard, std::move(snapshot));
  }

  MetricsService::Result result(hub::ShardIndex shard) {
    std::optional<MetricsService::Result> found;
    REQUIRE(wait_for([&] { return (found = service.take_result(shard)).has_value(); }));
    return *found;
  }

  Labels labels;
  Notices notices;
  std::atomic<int> wakes{0};
  MetricsService service;
};

bool tells(const MetricsService::Result& result, const std::string& line) {
  return result.text && result.text->find('\n' + line + '\n') != std::string::npos;
}

TEST_CASE("MetricsService: asks every shard, and answers who has asked") {
  Rig rig(3);
  CHECK_FALSE(rig.service.has_mail(0));
  const std::uint64_t round = rig.service.ask(1);
  for (hub::ShardIndex shard = 0; shard < 3; ++shard) rig.give(shard, 100u + shard);
  const auto result = rig.result(1);
  CHECK(result.round == round);
  CHECK(tells(result, "peal_connections_accepted_total 303"));
  CHECK(rig.wakes == 4);
  for (hub::ShardIndex shard = 0; shard < 3; ++shard) CHECK_FALSE(rig.service.has_mail(shard));
  CHECK_FALSE(rig.service.take_result(1));
}

TEST_CASE("MetricsService: who asks while a round is under way gets the next one") {
  Rig rig(2);
  const std::uint64_t first = rig.service.ask(0);
  rig.give(0, 1);
  const std::uint64_t second = rig.service.ask(0);
  CHECK(second == first + 1);
  rig.give(1, 1);
  rig.give(0, 10);
  rig.give(1, 10);
  auto result = rig.result(0);
  if (result.round == first) result = rig.result(0);
  CHECK(result.round == second);
  CHECK(tells(result, "peal_connections_accepted_total 20"));
}

TEST_CASE("MetricsService: a shard that does not answer leaves the askers without, once") {
  Rig rig(2, 10ms);
  rig.service.ask(0);
  rig.give(0, 1);
  CHECK_FALSE(rig.result(0).text);
  rig.service.take_wish(1);
  rig.service.ask(0);
  std::thread other([&] { rig.give(1, 3); });
  rig.give(0, 2);
  other.join();
  const auto result = rig.result(0);
  // On a machine that is busy the patience may be over again.
  if (result.text) CHECK(tells(result, "peal_connections_accepted_total 5"));
}

TEST_CASE("MetricsService: ends in the middle of a round") {
  Rig rig(2);
  rig.service.ask(0);
  rig.give(0, 1);
  rig.service.stop();
  CHECK_FALSE(rig.service.take_result(0));
}

TEST_CASE("MetricsService: reloads are counted by what came of them") {
  Rig rig(1);
  rig.service.count_reload(true);
  rig.service.count_reload(false);
  rig.service.count_reload(true);
  rig.service.ask(0);
  rig.give(0, 0);
  const auto result = rig.result(0);
  CHECK(tells(result, "peal_config_reloads_total{result=\"ok\"} 2"));
  CHECK(tells(result, "peal_config_reloads_total{result=\"refused\"} 1"));
}

}  // namespace
}  // namespace peal::server::metrics_service_test
