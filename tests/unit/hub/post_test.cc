// SPDX-License-Identifier: Apache-2.0
// Publications by who uses no topic, and what comes back.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::post_test {
namespace {

using namespace test;

TEST_CASE("Post: to a topic that nobody knows it has an id, and nothing is left of it") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards);
    const std::string topic = rig.topic_at(shards - 1);
    const MessageId first = rig.post(0, topic, "x");
    CHECK(first.epoch == process_epoch());
    CHECK(rig.post(0, topic, "y").offset > first.offset);
    CHECK(rig.shards[0]->posted.back().subscribers == 0);
    CHECK(rig.shards[shards - 1]->hub.home().topics() == 0);
    for (const auto& shard : rig.shards) CHECK(shard->all_given_back());
  }
}

TEST_CASE("Post: reaches all, and says how many there are on all shards") {
  Rig rig(3);
  const std::string topic = rig.topic_at(2);
  for (std::size_t i = 0; i < 7; ++i) rig.client(i % 3).subscribe(topic);
  rig.client(0).open(topic);
  rig.settle();
  rig.post(0, topic, "x");
  CHECK(rig.shards[0]->posted.back().subscribers == 7);
  for (std::size_t i = 0; i < 7; ++i) CHECK(rig.clients[i].heard() == Texts{"x"});
  CHECK(rig.clients[7].heard().empty());
  rig.clients[0].leave();
  rig.clients[1].leave();
  rig.settle();
  rig.post(1, topic, "y");
  CHECK(rig.shards[1]->posted.back().subscribers == 5);
}

TEST_CASE("Post: who joins an existing topic counts by the end of the turn") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    rig.client(0).subscribe(topic);
    rig.settle();
    rig.post(1, topic, "x");
    CHECK(rig.shards[1]->posted.back().subscribers == i);
  }
}

TEST_CASE("Post: each answer has its ticket, in order") {
  Rig rig(2);
  Shard& shard = *rig.shards[0];
  for (std::uint32_t i = 0; i < 10; ++i)
    shard.hub.post(rig.topic_at(1), shard.memory.make_message(ws::Opcode::binary, as_bytes("x")),
                   {.connection = {7, 3}, .number = i});
  CHECK(shard.posted.empty());
  rig.settle();
  REQUIRE(shard.posted.size() == 10);
  for (std::uint32_t i = 0; i < 10; ++i) {
    CHECK(shard.posted[i].ticket == Ticket{.connection = {7, 3}, .number = i});
    if (i > 0) CHECK(shard.posted[i].id.offset == shard.posted[i - 1].id.offset + 1);
  }
}

TEST_CASE("Post: who sent it need not get it") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& client = rig.client(0);
  Client& other = rig.client(1);
  client.subscribe(topic);
  other.subscribe(topic);
  rig.settle();
  client.shard.hub.post(topic, client.shard.memory.make_message(ws::Opcode::text, as_bytes("x")),
                        {}, {.shard = 0, .outbox = client.outbox.id()});
  rig.settle();
  CHECK(client.heard().empty());
  CHECK(other.heard() == Texts{"x"});  // though its number on its own shard may be the same
}

TEST_CASE("Post: a topic with a history is made by it, and offsets follow each other") {
  for (ShardIndex shards = 1; shards <= 3; ++shards) {
    Rig rig(shards, keeping(5));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    for (std::uint64_t i = 1; i <= 9; ++i)
      CHECK(rig.post(i % shards, topic, std::to_string(i)).offset == i);
    Client& client = rig.client(0);
    client.subscribe(topic, last(9));
    CHECK(rig.hear(client) == numbers(5, 9));
  }
}

TEST_CASE("Publish: who leaves at once after it is heard all the same") {
  for (const int count : {1, 3000}) {  // the latter do not fit into the mail
    CAPTURE(count);
    Rig rig(2);
    const std::string topic = rig.topic_at(1);
    Client& listener = rig.client(1);
    listener.policy.queue_size = 10 << 20;
    listener.subscribe_pattern("**");
    Client& client = rig.client(0);
    client.open(topic);
    rig.settle();
    for (int i = 0; i < count; ++i) client.publish("x");
    client.leave();
    Client& next = rig.client(0);
    next.open(topic);
    next.leave();
    CHECK(rig.hear(listener).size() == static_cast<std::size_t>(count));
    CHECK(rig.shards[0]->hub.topics() == 0);
    CHECK(rig.shards[1]->hub.home().topics() == 0);
  }
}

/// Posts as many messages to the other shard as fill its mail three times over.
void post_much(Rig& rig) {
  const std::string topic = rig.topic_at(1, "kept ");
  Shard& from = *rig.shards[0];
  for (int i = 0; i < 3000; ++i)
    from.hub.post(topic, from.memory.make_message(ws::Opcode::text, as_bytes("x")), {});
}

TEST_CASE("Post: in the end all goes home, though the mail for it is taken before it is written") {
  Rig rig(2, keeping(10'000));
  post_much(rig);
  rig.settle();
  for (int i = 0; i < 3; ++i) rig.shards[1]->hub.settle();
  CHECK(rig.shards[1]->hub.congested());
  rig.shards[0]->hub.take_mail();
  CHECK_FALSE(rig.shards[0]->hub.has_mail());
  rig.end();
  CHECK(rig.shards[0]->all_given_back());
}

TEST_CASE("Post: in the end what is under way to a history goes home as well") {
  Rig rig(2, keeping(10'000));
  post_much(rig);
  rig.end();
  CHECK(rig.shards[0]->posted.size() == 3000);
  CHECK(rig.shards[0]->all_given_back());
}

}  // namespace
}  // namespace peal::hub::post_test
