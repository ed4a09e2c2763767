// SPDX-License-Identifier: Apache-2.0
// Hub::set_policies: other classes of topics while there are topics.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::policies_test {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

void set(Rig& rig, const Policies& policies, std::size_t memory = kHistoryMemory) {
  for (const auto& shard : rig.shards) shard->hub.set_policies(policies, memory);
}

bool follows(const Rig& rig) {
  for (const auto& shard : rig.shards)
    if (shard->hub.follows_policies()) return true;
  return false;
}

Texts newest(Rig& rig, const std::string& topic) {
  Client& client = rig.client(0);
  client.subscribe(topic, last(1000));
  const Texts texts = rig.hear(client);
  client.leave();
  return texts;
}

TEST_CASE("set_policies: a shorter history lets the oldest go, a longer one fills up") {
  for (const bool before_the_walk : {false, true}) {
    CAPTURE(before_the_walk);
    const Policies few = keeping(3);
    const Policies many = keeping(8);
    Rig rig(2, keeping(5));
    const std::string topic = rig.topic_at(1, "kept ");
    for (int i = 1; i <= 6; ++i) rig.post(0, topic, std::to_string(i));
    set(rig, few);
    if (!before_the_walk) rig.settle();
    rig.post(0, topic, "7");
    CHECK(newest(rig, topic) == numbers(5, 7));
    set(rig, many);
    rig.settle();
    CHECK_FALSE(follows(rig));
    for (int i = 8; i <= 20; ++i) rig.post(0, topic, std::to_string(i));
    CHECK(newest(rig, topic) == numbers(13, 20));
  }
}

TEST_CASE("set_policies: a history comes and goes, and no id comes again") {
  const Policies none;
  const Policies kept = keeping(5);
  Rig rig(1, none);
  Client& client = rig.client(0);
  client.subscribe("kept");
  CHECK(rig.post(0, "kept", "1").offset == 1);
  set(rig, kept);
  rig.settle();
  CHECK(newest(rig, "kept").empty());
  CHECK(rig.post(0, "kept", "2").offset == 2);
  CHECK(newest(rig, "kept") == Texts{"2"});
  client.leave();
  rig.settle();
  CHECK(newest(rig, "kept") == Texts{"2"});
  CHECK(rig.shards[0]->hub.home().topics() == 1);
  set(rig, none);
  rig.settle();
  CHECK(rig.shards[0]->hub.home().topics() == 0);
  CHECK(rig.shards[0]->hub.home().history_bytes() == 0);
  CHECK(rig.post(0, "kept", "3").offset > 2);
}

TEST_CASE(
    "set_policies: what is above a shorter history is gone at once, and its memory in shares") {
  constexpr int kCount = 5000;
  for (const std::size_t size : {std::size_t{3}, std::size_t{0}}) {
    CAPTURE(size);
    const Policies fewer = keeping(size);
    Rig rig(1, keeping(kCount), 10 * kHistoryMemory);
    Shard& shard = *rig.shards[0];
    for (int i = 1; i <= kCount; ++i)
      shard.hub.post("kept", shard.memory.make_message(ws::Opcode::text, as_bytes("x")), {});
    const std::size_t before = shard.memory.messages.out();
    CHECK(before == kCount);
    set(rig, fewer, 10 * kHistoryMemory);
    Client& client = rig.client(0);
    const TopicUse& use = client.subscribe("kept", last(kCount));
    shard.turn();
    CHECK(use.ready);
    CHECK(client.heard().size() == size);
    std::size_t left = shard.memory.messages.out();
    CHECK(left > size);
    for (int turns = 0; left > size; ++turns) {
      REQUIRE(turns < 10);
      shard.turn();
      const std::size_t now_left = shard.memory.messages.out();
      CHECK(left - now_left <= 1024);
      left = now_left;
    }
    CHECK(left == size);
    rig.post(0, "kept", "y");
    CHECK(rig.hear(client) == Texts{"y"});
    client.leave();
    rig.settle();
    CHECK(shard.hub.home().topics() == (size > 0 ? 1 : 0));
    CHECK_FALSE(follows(rig));
  }
}

TEST_CASE("set_policies: messages go on coming while a longer history goes") {
  const Policies few = keeping(3);
  Rig rig(1, keeping(5000), 10 * kHistoryMemory);
  for (int i = 1; i <= 5000; ++i) rig.post(0, "kept", std::to_string(i));
  set(rig, few, 10 * kHistoryMemory);
  Shard& shard = *rig.shards[0];
  for (int i = 5001; i <= 5003; ++i)
    shard.hub.post("kept", shard.memory.make_message(ws::Opcode::text, as_bytes(std::to_string(i))),
                   {});
  CHECK(shard.memory.messages.out() > 4000);
  Client& client = rig.client(0);
  client.subscribe("kept", last(10));
  CHECK(rig.hear(client) == numbers(5001, 5003));
  CHECK(shard.memory.messages.out() == 3);
}

TEST_CASE("set_policies: what comes while the last of a history go is not kept") {
  const Policies none;
  const Policies few = keeping(5);
  for (const bool again : {false, true}) {
    CAPTURE(again);
    Rig rig(1, keeping(5000), 10 * kHistoryMemory);
    Shard& shard = *rig.shards[0];
    const auto post = [&](int i) {
      shard.hub.post("kept",
                     shard.memory.make_message(ws::Opcode::text, as_bytes(std::to_string(i))), {});
    };
    for (int i = 1; i <= 5000; ++i) post(i);
    Client& client = rig.client(0);
    client.subscribe("kept");
    rig.settle();
    set(rig, none, 10 * kHistoryMemory);
    for (int i = 5001; i <= 5003; ++i) post(i);
    if (again) set(rig, few, 10 * kHistoryMemory);
    if (again) post(5004);
    Client& late = rig.client(0);
    const TopicUse& use = late.subscribe("kept", last(3));
    Client& resumed = rig.client(0);
    resumed.subscribe("kept", since(4999));
    shard.turn();
    CHECK(shard.memory.messages.out() > 2000);
    REQUIRE(use.ready);
    CHECK(use.offset == (again ? 5004 : 5003));
    const Texts kept = again ? Texts{"5004"} : Texts{};
    CHECK(rig.hear(late) == kept);
    CHECK(rig.hear(resumed) == kept);
    CHECK(resumed.uses->gap);
    post(5005);
    CHECK(rig.hear(late) == Texts{"5005"});
    CHECK(rig.hear(resumed) == Texts{"5005"});
    CHECK(rig.hear(client).size() == (again ? 5u : 4u));
    CHECK_FALSE(follows(rig));
  }
}

TEST_CASE("set_policies: who has not been spoken for yet keeps its past") {
  Policies other = keeping(5);
  other.add("new", {.history_size = 1});
  Rig rig(1, keeping(5));
  for (int i = 1; i <= 3; ++i) rig.post(0, "kept", std::to_string(i));
  set(rig, other);
  Client& client = rig.client(0);
  client.subscribe("kept", since(1));
  CHECK(rig.hear(client) == numbers(2, 3));
}

TEST_CASE("set_policies: a message that waits for its pace goes when there is none any more") {
  Policies paced;
  paced.add("paced", {.pace = milliseconds(100)});
  const Policies none;
  for (const bool by_walk : {true, false}) {
    Rig rig(1, paced);
    Client& client = rig.client(0);
    client.subscribe("paced");
    rig.post(0, "paced", "1");
    rig.post(0, "paced", "2");
    CHECK(client.heard() == Texts{"1"});
    set(rig, none);
    if (by_walk) rig.settle();
    rig.post(0, "paced", "3");
    CHECK(client.heard() == Texts{"2", "3"});
    rig.settle();
    CHECK_FALSE(follows(rig));
    CHECK_FALSE(rig.shards[0]->hub.next_due());
  }
}

TEST_CASE("set_policies: a message that waits comes at its time where there is another pace") {
  Policies paced;
  paced.add("paced", {.pace = milliseconds(100)});
  Policies slower;
  slower.add("other", {.history_size = 1});
  slower.add("paced", {.pace = milliseconds(500)});
  Rig rig(1, paced);
  Client& client = rig.client(0);
  client.subscribe("paced");
  rig.post(0, "paced", "1");
  rig.post(0, "paced", "2");
  set(rig, slower);
  rig.settle();
  CHECK(follows(rig));
  rig.pass(milliseconds(100));
  CHECK(client.heard() == Texts{"1", "2"});
  CHECK_FALSE(follows(rig));
  rig.post(0, "paced", "3");
  rig.pass(milliseconds(499));
  CHECK(client.heard().empty());
  rig.pass(milliseconds(1));
  CHECK(client.heard() == Texts{"3"});
}

TEST_CASE(
    "set_policies: ages and the order in which histories give way are those of the new ones") {
  const Policies young = keeping(5, seconds(10));
  Rig rig(1, keeping(5));
  const std::size_t count = 1000;
  for (std::size_t i = 0; i < count; ++i) {
    rig.post(0, "kept " + std::to_string(i), std::to_string(i));
    rig.pass(milliseconds(1));
  }
  const std::size_t before = rig.shards[0]->hub.home().history_bytes();
  set(rig, young, before);
  rig.post(0, "kept 10", "again");
  rig.settle();
  CHECK_FALSE(follows(rig));
  CHECK(rig.shards[0]->hub.home().topics() == count);
  // Room for one less: the one that was published to least recently goes.
  set(rig, young, rig.shards[0]->hub.home().history_bytes() - 1);
  rig.settle();
  rig.post(0, "kept 11", "again");
  CHECK(newest(rig, "kept 0").empty());
  CHECK(newest(rig, "kept 10") == Texts{"10", "again"});
  CHECK(newest(rig, "kept 2") == Texts{"2"});
  rig.pass(seconds(11));
  CHECK(newest(rig, "kept 2").empty());
}

TEST_CASE("set_policies: again before all have followed") {
  const Policies one = keeping(1);
  const Policies two = keeping(2);
  Rig rig(1, keeping(5));
  for (std::size_t i = 0; i < 600; ++i)
    for (int j = 1; j <= 3; ++j) rig.post(0, "kept " + std::to_string(i), std::to_string(j));
  set(rig, two);
  rig.shards[0]->turn();
  CHECK(follows(rig));
  set(rig, one);
  rig.settle();
  CHECK_FALSE(follows(rig));
  for (const char* topic : {"kept 0", "kept 599"}) CHECK(newest(rig, topic) == Texts{"3"});
}

}  // namespace
}  // namespace peal::hub::policies_test
