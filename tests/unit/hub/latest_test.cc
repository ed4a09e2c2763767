// SPDX-License-Identifier: Apache-2.0
// SlowClient::latest, and what else happens where there is no room.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::latest_test {
namespace {

using namespace test;

constexpr std::size_t kLatestTopics = 1024;  // as the hub has it

/// A client whose queue is full after `messages` short ones.
Client& slow_client(Rig& rig, std::size_t shard, std::size_t messages,
                    SlowClient slow = SlowClient::latest) {
  Client& client = rig.client(shard);
  client.policy = {.queue_size = static_cast<std::uint32_t>(messages * (Outbox::kSegmentCost + 12)),
                   .slow_client = slow};
  return client;
}

TEST_CASE("Latest: of one topic the newest waits for room, and the queue does not grow") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards);
    Client& client = slow_client(rig, 0, 4);
    const std::string topic = rig.topic_at(shards - 1);
    client.subscribe(topic);
    rig.settle();
    for (const std::string& number : numbers(1, 50)) rig.post(0, topic, number);
    CHECK(client.outbox.cost() <= client.policy.queue_size);
    CHECK(client.outbox.wants_room());
    CHECK(client.outbox.dropped() > 0);
    CHECK_FALSE(client.outbox.overflowed());
    Texts heard = rig.hear(client);
    const std::size_t queued = heard.size() - 1;
    CHECK(queued >= 3);
    CHECK(Texts(heard.begin(), heard.end() - 1) == numbers(1, queued));
    CHECK(heard.back() == "50");
    CHECK(rig.shards[0]->hub.counters().conflated == 50 - queued - 1);
    rig.post(0, topic, "51");
    CHECK(client.heard() == Texts{"51"});
    CHECK_FALSE(client.outbox.wants_room());
  }
}

TEST_CASE("Latest: of each topic of a pattern the newest, in the order they fell behind") {
  for (const bool topics_stay : {false, true}) {
    for (ShardIndex shards = 1; shards <= 3; ++shards) {
      CAPTURE(topics_stay);
      CAPTURE(shards);
      Rig rig(shards);
      Client& client = slow_client(rig, 0, 3);
      Client& others = rig.client(0);
      client.subscribe_pattern("*");
      for (int topic = 0; topic < 20 && topics_stay; ++topic)
        others.open("topic " + std::to_string(topic));
      rig.settle();
      for (int round = 0; round < 3; ++round)
        for (int topic = 0; topic < 20; ++topic)
          rig.post(0, "topic " + std::to_string(topic),
                   std::to_string(topic) + ":" + std::to_string(round));
      const Texts heard = rig.hear(client);
      Texts newest;
      for (int topic = 0; topic < 20; ++topic) newest.push_back(std::to_string(topic) + ":2");
      REQUIRE(heard.size() > 20);
      const Texts after(heard.end() - 20, heard.end());
      CHECK(std::is_permutation(after.begin(), after.end(), newest.begin()));
      for (int topic = 0; topic < 20; ++topic) {
        const auto of_topic = [&](const std::string& text) {
          return text.starts_with(std::to_string(topic) + ":");
        };
        CHECK(std::ranges::count_if(heard, of_topic) <= 2);
      }
    }
  }
}

TEST_CASE("Latest: more topics than a client may be behind with lose the one that waited longest") {
  Rig rig(1);
  Client& client = slow_client(rig, 0, 2);
  client.subscribe_pattern("*");
  Client& others = rig.client(0);
  const std::size_t topics = kLatestTopics + 50;
  for (std::size_t i = 0; i < topics; ++i) others.open(std::to_string(i));
  for (std::size_t i = 0; i < topics; ++i) rig.post(0, std::to_string(i), std::to_string(i));
  CHECK(rig.shards[0]->memory.messages.out() <= kLatestTopics + 2);
  const Texts heard = rig.hear(client);
  const Texts newest(heard.end() - static_cast<std::ptrdiff_t>(kLatestTopics), heard.end());
  CHECK(newest == numbers(50, topics - 1));
  CHECK(heard.size() <= kLatestTopics + 2);
  CHECK(rig.shards[0]->hub.counters().dropped == topics - heard.size());
}

TEST_CASE("Latest: with room for some only, the others go on waiting, in order") {
  Rig rig(1);
  Client& client = slow_client(rig, 0, 4);
  client.subscribe_pattern("*");
  Client& others = rig.client(0);
  for (int i = 0; i < 10; ++i) others.open(std::to_string(i));
  for (int i = 0; i < 10; ++i) rig.post(0, std::to_string(i), std::to_string(i));
  Texts all = client.heard(3);
  client.make_room();
  rig.post(0, "0", "0 again");  // behind those that wait already
  const Texts rest = rig.hear(client);
  all.insert(all.end(), rest.begin(), rest.end());
  Texts expected = numbers(0, 9);
  expected.push_back("0 again");
  CHECK(all == expected);
}

TEST_CASE("Latest: leaving while messages wait gives them back") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& client = slow_client(rig, 0, 2);
  client.subscribe(topic);
  rig.settle();
  for (int i = 0; i < 10; ++i) rig.post(0, topic, "x");
  CHECK(client.outbox.wants_room());
  client.leave();
  rig.settle();
  for (const auto& shard : rig.shards) CHECK(shard->memory.messages.out() == 0);
}

TEST_CASE("Latest: each of a client's topics has its own") {
  Rig rig(1);
  Client& client = slow_client(rig, 0, 2);
  client.subscribe("a");
  client.subscribe("b");
  for (int i = 0; i < 10; ++i) {
    rig.post(0, "a", "a" + std::to_string(i));
    rig.post(0, "b", "b" + std::to_string(i));
  }
  Texts heard = rig.hear(client);
  REQUIRE(heard.size() >= 3);
  CHECK(std::ranges::count(heard, "a9") == 1);
  CHECK(std::ranges::count(heard, "b9") == 1);
}

TEST_CASE("Latest: with many topics each has its turn, whatever comes meanwhile") {
  constexpr int kTopics = 1000;
  Rig rig(1);
  Client& client = slow_client(rig, 0, 10);
  for (int i = 0; i < kTopics; ++i) client.subscribe(std::to_string(i));
  std::vector<int> heard(kTopics);
  for (int round = 0; round < 300; ++round) {  // with room for less than what comes
    for (int i = 0; i < kTopics; i += 10) rig.post(0, std::to_string(i), std::to_string(i));
    for (const std::string& text : client.heard(8)) ++heard[std::stoul(text)];
    client.make_room();
  }
  for (int i = 0; i < kTopics; i += 10) {
    CAPTURE(i);
    CHECK(heard[static_cast<std::size_t>(i)] >= 10);
    CHECK(heard[static_cast<std::size_t>(i)] <= 40);
  }
}

TEST_CASE("Latest: leaving one of several topics gives up what waits of it, and of no other") {
  Rig rig(1);
  Client& client = slow_client(rig, 0, 2);
  TopicUse& named = client.subscribe("a/1");
  TopicUse& pattern = client.subscribe_pattern("b/*");
  client.subscribe("c/1");
  for (const auto* topic : {"c/1", "a/1", "b/1", "b/2", "c/1"})
    for (int i = 0; i < 5; ++i) rig.post(0, topic, topic);
  client.heard();
  rig.shards[0]->hub.leave(client.uses, named);
  rig.shards[0]->hub.leave(client.uses, pattern);
  CHECK(rig.hear(client) == Texts{"c/1"});
}

TEST_CASE("Latest: what waits by a pattern gives way to a page that has it, or what is newer") {
  Rig rig(1, keeping(3));
  Client& client = slow_client(rig, 0, 2);
  client.subscribe_pattern("**");
  for (const std::string& number : numbers(1, 10)) rig.post(0, "kept", number);
  CHECK(client.heard().size() < 5);
  REQUIRE(client.outbox.wants_room());
  client.subscribe("kept", since(8));
  rig.post(0, "kept", "11");
  CHECK(rig.hear(client) == Texts{"9", "10", "11"});
}

TEST_CASE("Latest: with another policy than before, what waits still goes first") {
  for (const SlowClient slow : {SlowClient::drop, SlowClient::disconnect}) {
    Rig rig(1);
    Client& client = slow_client(rig, 0, 2);
    client.subscribe_pattern("*");
    for (const std::string& number : numbers(1, 10)) rig.post(0, "a", number);
    for (const std::string& number : numbers(11, 20)) rig.post(0, "b", number);
    REQUIRE(client.outbox.wants_room());
    client.policy = {.slow_client = slow};
    rig.post(0, "b", "21");
    rig.post(0, "c", "22");
    const Texts heard = rig.hear(client);
    CHECK(Texts(heard.end() - 3, heard.end()) == Texts{"10", "21", "22"});
    CHECK(std::ranges::count(heard, "20") == 0);
  }
}

TEST_CASE("LatestQueue: finds and keeps the order of what a list of pairs would") {
  std::mt19937_64 random(7);
  LatestQueue queue;
  std::deque<Latest> made;
  std::vector<Latest*> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t topic = random() % 300;
    const auto found = std::ranges::find(model, topic, &Latest::topic);
    REQUIRE(queue.find(topic) == (found == model.end() ? nullptr : *found));
    if (found != model.end()) {
      queue.remove(**found);
      model.erase(found);
    } else {
      made.push_back({.topic = topic});
      queue.push_back(made.back());
      model.push_back(&made.back());
    }
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.first() == (model.empty() ? nullptr : model.front()));
  }
  for (const Latest* each : model) {
    REQUIRE(queue.first() == each);
    queue.remove(*queue.first());
  }
  CHECK(queue.empty());
}

TEST_CASE("Latest: a use is where its client is, not where it will be when there is room") {
  for (const SlowClient slow : {SlowClient::latest, SlowClient::drop}) {
    Rig rig(1);
    Client& client = slow_client(rig, 0, 4, slow);
    TopicUse& use = client.subscribe("a");
    for (const std::string& number : numbers(1, 20)) rig.post(0, "a", number);
    const std::uint64_t queued = rig.shards[0]->hub.counters().delivered;
    CHECK(queued < 10);
    CHECK(use.offset == queued);
    rig.hear(client);
    CHECK(use.offset == (slow == SlowClient::latest ? 20 : queued));
  }
}

TEST_CASE("Drop: what there is no room for is counted, and no more comes of it") {
  Rig rig(1);
  Client& client = slow_client(rig, 0, 3, SlowClient::drop);
  client.subscribe("a");
  for (const std::string& number : numbers(1, 10)) rig.post(0, "a", number);
  const Texts heard = client.heard();
  CHECK(heard == numbers(1, heard.size()));
  CHECK(rig.shards[0]->hub.counters().dropped == 10 - heard.size());
  CHECK(rig.shards[0]->hub.counters().delivered == heard.size());
}

TEST_CASE("Own ids: one before each event that goes in, and none for what does not") {
  for (const SlowClient slow : {SlowClient::drop, SlowClient::latest, SlowClient::disconnect}) {
    Rig rig(1, keeping(4));
    Client& client = slow_client(rig, 0, 8, slow);
    client.outbox.set_encoding(Encoding::events);
    client.outbox.set_own_ids();
    client.subscribe("kept", last(2));
    rig.settle();
    for (int i = 0; i < 100; ++i) rig.post(0, "kept", "x");
    CHECK(client.outbox.cost() <= client.policy.queue_size + Outbox::kSegmentCost + 1);
    std::size_t ids = 0;
    std::size_t events = 0;
    for (const Segment* next = client.outbox.first(); next; next = next->next) {
      if (as_text({next->data, next->size}) == "#") {
        REQUIRE(ids++ == events);
      } else {
        REQUIRE(++events == ids);
        CHECK(as_text({next->data, next->size}) == "event: message\ndata: x\n\n");
      }
    }
    CHECK(ids == events);
    CHECK(ids > 2);
  }
}

TEST_CASE("Own ids: a message larger than the queue still goes into an empty one") {
  Rig rig(1);
  Client& client = rig.client(0);
  client.policy.queue_size = 100;
  client.outbox.set_encoding(Encoding::events);
  client.outbox.set_own_ids();
  client.subscribe("a");
  rig.post(0, "a", std::string(1000, 'x'));
  CHECK_FALSE(client.outbox.overflowed());
  CHECK(client.outbox.bytes() > 1000);
}

}  // namespace
}  // namespace peal::hub::latest_test
