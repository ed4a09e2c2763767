// SPDX-License-Identifier: Apache-2.0
// What a hub counts for those who watch.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/rounds.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::counters_test {
namespace {

using namespace test;

TEST_CASE("Counters: deliveries are counted by the number of their route") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards);
    const std::string topic = rig.topic_at(0);
    Client& one = rig.client(shards - 1u);
    Client& slow = rig.client(shards - 1u);
    one.policy.number = 3;
    slow.policy = {.number = 5, .queue_size = 1, .slow_client = SlowClient::drop};
    one.subscribe(topic);
    slow.subscribe(topic);
    rig.settle();
    for (int i = 0; i < 4; ++i) rig.post(0, topic, "message");
    const Hub& hub = rig.shards[shards - 1u]->hub;
    REQUIRE(hub.counters_by_route().size() == 6);
    CHECK(hub.counters_by_route()[3].delivered == 4);
    CHECK(hub.counters_by_route()[5].delivered == 1);
    CHECK(hub.counters_by_route()[5].dropped == 3);
    CHECK(hub.counters().delivered == 5);
    CHECK(one.outbox.messages() == 4);
    CHECK(slow.outbox.messages() == 1);
    CHECK(hub.subscriptions() == 2);
    one.leave();
    CHECK(hub.subscriptions() == 1);
  }
}

TEST_CASE("Counters: what a client that is closed for it did not get is lost, not left out") {
  Rig rig(1);
  Client& slow = rig.client(0);
  slow.policy = {.queue_size = 1, .slow_client = SlowClient::disconnect};
  slow.subscribe("a");
  for (int i = 0; i < 3; ++i) rig.post(0, "a", "message");
  CHECK(rig.shards[0]->hub.counters().lost == 2);
  CHECK(rig.shards[0]->hub.counters().dropped == 0);
}

TEST_CASE("Counters: what stays out of an answer that is full is not delivered") {
  for (const std::size_t room : {0, 3, 4, 6}) {
    CAPTURE(room);
    Rig rig(1, keeping(10));
    Shard& shard = *rig.shards[0];
    for (const std::string& number : numbers(1, 4)) rig.post(0, "kept", number);
    Client& client = rig.client(0);
    client.outbox.set_own_ids();
    shard.events_to_come = room;
    client.subscribe("kept", last(4));
    rig.settle();
    for (const std::string& number : numbers(5, 8)) rig.post(0, "kept", number);
    CHECK(client.outbox.is_shut());
    CHECK(client.outbox.messages() == room);
    CHECK(shard.hub.counters().delivered == room);
  }
}

TEST_CASE("Counters: publications are counted by the number of their topic's class") {
  Policies policies;
  policies.add("kept", {.number = 4, .history_size = 2});
  Rig rig(2, std::move(policies));
  rig.post(0, rig.topic_at(1, "kept "), "a");
  rig.post(1, rig.topic_at(1, "kept "), "b");
  rig.post(0, rig.topic_at(1, "other "), "nobody hears it");
  const auto& counts = rig.shards[1]->hub.home().counters().publications;
  REQUIRE(counts.size() == 5);
  CHECK(counts[4] == 2);
  CHECK(counts[0] == 1);
}

TEST_CASE("Counters: a fan-out is over when the last subscriber had its turn") {
  if (pushes_at_once() < 2) return;
  Rig rig(1);
  Shard& shard = *rig.shards[0];
  Client& one = rig.client(0);
  Client& other = rig.client(0);
  one.subscribe("a");
  other.subscribe("a");
  shard.hub.post("a", shard.memory.make_message(ws::Opcode::text, as_bytes("m")), {});
  shard.due.pop_delivery();
  shard.hub.flush([](ShardIndex) {});
  CHECK(shard.hub.fanout_times().total() == 0);
  SUBCASE("as its delivery") {
    shard.due.pop_delivery();
  }
  SUBCASE("as an answer") {
    shard.due.add_answer(other.outbox);
  }
  shard.hub.flush([](ShardIndex) {});
  CHECK(shard.hub.fanout_times().total() == 1);
  while (shard.due.pop_answer()) {
  }
  // Of those that come within a pause one is watched.
  for (int i = 0; i < 3; ++i) rig.post(0, "a", "m");
  CHECK(shard.hub.fanout_times().total() == 1);
  rig.pass(std::chrono::milliseconds(1));
  rig.post(0, "a", "m");
  CHECK(shard.hub.fanout_times().total() == 2);
}

TEST_CASE("Counters: the bytes that wait are those of all outboxes together, whatever happens") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(50); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Rig rig(1);
    Shard& shard = *rig.shards[0];
    for (int i = 0; i < 3; ++i) {
      Client& client = rig.client(0);
      client.policy = {.queue_size = 2000, .slow_client = SlowClient::drop};
      if (i == 1) client.outbox.set_encoding(Encoding::json_items);
      client.subscribe("a");
    }
    const auto waiting = [&] {
      std::size_t bytes = 0;
      for (const Client& client : rig.clients) bytes += client.outbox.bytes();
      return bytes;
    };
    for (int step = 0; step < 200; ++step) {
      Client& client = rig.clients[random() % rig.clients.size()];
      Outbox& outbox = client.outbox;
      switch (random() % 6) {
        case 0:
          outbox.sent(shard.memory, random() % (outbox.bytes() + 1));
          break;
        case 1:
          outbox.drop_messages(shard.memory);
          break;
        case 2:
          if (outbox.first() && outbox.first()->next)
            outbox.merge(shard.memory, 2, outbox.first()->size + outbox.first()->next->size);
          break;
        case 3:
          if (Block* block = shard.memory.blocks.take(10); random() % 8 == 0)
            outbox.begin_array(shard.memory, block, {block->data(), 10});
          else
            outbox.push_block(shard.memory, block, {block->data(), 7});
          break;
        default:
          rig.post(0, "a", std::string(random() % 300, 'x'));
      }
      REQUIRE(shard.memory.queued_bytes == waiting());
    }
    for (Client& client : rig.clients) client.leave();
    CHECK(shard.memory.queued_bytes == 0);
  }
}

}  // namespace
}  // namespace peal::hub::counters_test
