// SPDX-License-Identifier: Apache-2.0
// Subscriptions to all topics that a pattern matches.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::pattern_test {
namespace {

using namespace test;

TEST_CASE("Pattern: topics of every home, and of every shard's publishers") {
  for (ShardIndex shards = 1; shards <= 3; ++shards) {
    Rig rig(shards);
    Client& client = rig.client(0);
    CHECK(client.subscribe_pattern("**").ready == (shards == 1));
    rig.settle();
    CHECK(client.ready());
    CHECK(client.uses->topic->is_pattern());
    Texts posted;
    for (ShardIndex shard = 0; shard < shards; ++shard) {
      for (ShardIndex home = 0; home < shards; ++home) {
        posted.push_back(std::to_string(shard) + " to " + std::to_string(home));
        rig.post(shard, rig.topic_at(home), posted.back());
      }
    }
    Texts heard = client.heard();
    CHECK(heard == posted);
  }
}

TEST_CASE("Pattern: only what it matches, from the time it is ready to the time it leaves") {
  Rig rig(3);
  Client& client = rig.client(1);
  rig.post(0, "a/b", "before");
  client.subscribe_pattern("a/*");
  rig.settle();
  for (const char* topic : {"a", "a/b", "a/b/c", "b/b", "a/c"}) rig.post(2, topic, topic);
  CHECK(client.heard() == Texts{"a/b", "a/c"});
  client.leave();
  rig.post(2, "a/b", "after");
  CHECK(client.heard().empty());
}

TEST_CASE("Pattern: a topic that is in use hears of patterns that come and go") {
  Rig rig(2);
  Client& exact = rig.client(0);
  Client& pattern = rig.client(1);
  exact.subscribe("a/b");
  rig.settle();
  rig.post(0, "a/b", "1");
  pattern.subscribe_pattern("a/**");
  rig.settle();
  rig.post(0, "a/b", "2");
  CHECK(pattern.heard() == Texts{"2"});
  pattern.leave();
  rig.settle();
  rig.post(0, "a/b", "3");
  pattern.subscribe_pattern("*/b");
  rig.settle();
  rig.post(0, "a/b", "4");
  CHECK(exact.heard() == Texts{"1", "2", "3", "4"});
  CHECK(pattern.heard() == Texts{"4"});
}

TEST_CASE("Pattern: a message that reaches a client by several ways comes once") {
  for (ShardIndex shards = 1; shards <= 3; ++shards) {
    Rig rig(shards);
    Client& client = rig.client(0);
    client.subscribe_pattern("**");
    client.subscribe("a/b");
    client.subscribe_pattern("a/*");
    client.subscribe_pattern("*/b");
    rig.settle();
    for (int i = 0; i < 5; ++i) {
      rig.post(shards - 1u, "a/b", "x");
      rig.post(0, "a/c", "y");
      rig.post(0, "d/b", "z");
      CHECK(client.heard() == Texts{"x", "y", "z"});
    }
  }
}

TEST_CASE("Pattern: once, too, when a turn ends between the ways") {
  Rig rig(3);
  Client& client = rig.client(0);
  const std::string one = rig.topic_at(1);
  const std::string other = rig.topic_at(2);
  client.policy.queue_size = 1 << 30;
  client.subscribe_pattern("**");
  client.subscribe(one);
  rig.settle();
  const auto post = [&](std::size_t shard, const std::string& topic, const std::string& text) {
    Shard& from = *rig.shards[shard];
    from.hub.post(topic, from.memory.make_message(ws::Opcode::text, as_bytes(text)), {});
  };
  // An odd one, so that a turn's share of parcels ends between two of one publication.
  post(1, rig.topic_at(1, "another "), "odd");
  for (int i = 0; i < 1000; ++i) post(1, one, "x");
  for (int i = 0; i < 10; ++i) post(2, other, "y");
  rig.settle();
  const Texts heard = client.heard();
  CHECK(std::ranges::count(heard, "x") == 1000);
  CHECK(std::ranges::count(heard, "y") == 10);
}

TEST_CASE("Pattern: who sent it does not get it by a pattern either") {
  Rig rig(2);
  Client& client = rig.client(0);
  client.subscribe_pattern("**");
  client.subscribe("a/b");
  rig.settle();
  client.publish("x", false);
  rig.settle();
  CHECK(client.heard().empty());
  client.publish("y");
  rig.settle();
  CHECK(client.heard() == Texts{"y"});
}

TEST_CASE("Pattern: subscribers of it count for a publication") {
  Rig rig(3);
  for (std::size_t shard = 0; shard < 3; ++shard) {
    rig.client(shard).subscribe_pattern("a/*");
    rig.client(shard).subscribe("a/b");
  }
  rig.settle();
  rig.post(1, "a/b", "x");
  CHECK(rig.shards[1]->posted.back().subscribers == 6);
  rig.post(1, "a/c", "x");
  CHECK(rig.shards[1]->posted.back().subscribers == 3);
  rig.clients[0].leave();
  rig.settle();
  rig.post(1, "a/c", "x");
  CHECK(rig.shards[1]->posted.back().subscribers == 2);
}

TEST_CASE("Pattern: leaving before the homes have answered leaves nothing behind") {
  for (int turns = 0; turns < 9; ++turns) {
    Rig rig(3);
    Client& first = rig.client(0);
    Client& second = rig.client(0);
    first.subscribe_pattern("a/**");
    for (int i = 0; i < turns; ++i) rig.shards[static_cast<std::size_t>(i) % 3]->turn();
    first.leave();
    second.subscribe_pattern("a/**");
    rig.settle();
    CHECK(second.ready());
    rig.post(2, "a/b", "x");
    CHECK(second.heard() == Texts{"x"});
    CHECK(first.heard().empty());
  }
}

TEST_CASE("Pattern: each gets the form it wants") {
  Rig rig(2);
  Client& frames = rig.client(0);
  Client& json = rig.client(0);
  Client& exact = rig.client(1);
  json.outbox.set_encoding(Encoding::json_frames);
  exact.outbox.set_encoding(Encoding::json_frames);
  frames.subscribe_pattern("a/*");
  rig.settle();
  json.subscribe_pattern("a/*");
  exact.subscribe("a/b");
  rig.settle();
  const std::string object =
      R"({"id":")" + message_id_text(rig.post(0, "a/b", "x")) + R"(","topic":"a/b","data":"x"})";
  CHECK(frames.heard() == Texts{"x"});
  CHECK(json.heard() == Texts{object});
  CHECK(exact.heard() == Texts{object});
}

TEST_CASE("Pattern: what a client catches up with comes once beside a pattern, and in order") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, keeping(1000));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    for (const std::string& number : numbers(1, 200)) rig.post(0, topic, number);
    Client& client = rig.client(0);
    client.subscribe_pattern("**");
    rig.settle();
    client.subscribe(topic, since(0));
    Texts all;
    for (std::uint64_t next = 201; next <= 220; ++next) {
      rig.post(0, topic, std::to_string(next));
      const Texts some = client.heard();
      all.insert(all.end(), some.begin(), some.end());
      client.make_room();
    }
    const Texts rest = rig.hear(client);
    all.insert(all.end(), rest.begin(), rest.end());
    CHECK(all == numbers(1, 220));
  }
}

/// What a client hears that asks for a topic and a pattern, while numbers from 5 on are published.
Texts hear_while_opening(ShardIndex shards, bool used_before, const Replay& replay) {
  Rig rig(shards, keeping(1000));
  for (const auto& shard : rig.shards) shard->tells = true;
  const std::string topic = rig.topic_at(shards - 1u, "kept ");
  for (const std::string& number : numbers(1, 4)) rig.post(0, topic, number);
  Client& other = rig.client(0);
  other.subscribe_pattern("**");
  if (used_before) other.open(topic);
  rig.settle();
  Client& client = rig.client(0);
  client.begin();
  client.subscribe_pattern("**");
  client.subscribe(topic, replay);
  client.open_when_ready();
  Shard& from = *rig.shards[shards - 1u];
  for (const std::string& number : numbers(5, 12)) {
    from.hub.post(topic, from.memory.make_message(ws::Opcode::text, as_bytes(number)), {});
    for (const auto& shard : rig.shards) shard->turn();
  }
  return rig.hear(client);
}

TEST_CASE("Pattern: nothing comes by it before all topics of the same request are ready") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    for (const bool used_before : {false, true}) {
      for (const Replay& replay : {last(50), last(1), since(2), from_now()}) {
        CAPTURE(shards);
        CAPTURE(used_before);
        const Texts heard = hear_while_opening(shards, used_before, replay);
        REQUIRE_FALSE(heard.empty());
        REQUIRE(heard.front().front() == '!');
        const std::uint64_t begin = std::stoull(heard.front().substr(1));
        CHECK(Texts(heard.begin() + 1, heard.end()) == numbers(begin + 1, 12));
      }
    }
  }
}

TEST_CASE("Pattern: it brings messages when all topics of the same request are ready") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& client = rig.client(0);
  client.begin();
  client.subscribe(topic);
  client.subscribe_pattern("**");
  client.open_when_ready();
  rig.settle();
  rig.post(0, "another", "x");
  CHECK(client.heard() == Texts{"x"});
}

}  // namespace
}  // namespace peal::hub::pattern_test
