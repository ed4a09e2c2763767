// SPDX-License-Identifier: Apache-2.0
// TopicPolicy::pace: no more often than that, and then the newest.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::pace_test {
namespace {

using namespace test;
using std::chrono::milliseconds;

Policies paced(std::size_t history_size = 0) {
  Policies policies;
  policies.add("paced", {.history_size = history_size, .pace = milliseconds(100)});
  return policies;
}

TEST_CASE("Pace: the first at once, then the newest when the time has come") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, paced());
    const std::string topic = rig.topic_at(shards - 1, "paced ");
    Client& client = rig.client(0);
    client.subscribe(topic);
    rig.settle();
    for (const char* text : {"1", "2", "3"}) rig.post(0, topic, text);
    CHECK(client.heard() == Texts{"1"});
    rig.pass(milliseconds(99));
    CHECK(client.heard().empty());
    rig.pass(milliseconds(1));
    CHECK(client.heard() == Texts{"3"});
    CHECK(rig.shards[shards - 1]->hub.home().counters().conflated == 1);
    rig.post(0, topic, "4");
    rig.pass(milliseconds(50));
    CHECK(client.heard().empty());
    rig.pass(milliseconds(50));
    CHECK(client.heard() == Texts{"4"});
    rig.pass(milliseconds(100));
    CHECK_FALSE(rig.shards[shards - 1]->hub.next_due());
    rig.post(0, topic, "5");
    CHECK(client.heard() == Texts{"5"});
  }
}

TEST_CASE("Pace: no more often than that, and the last one always comes") {
  Rig rig(1, paced());
  Client& client = rig.client(0);
  client.subscribe("paced");
  Texts heard;
  Instant last{};
  for (int i = 0; i < 1000; ++i) {
    if (i < 990) rig.post(0, "paced", std::to_string(i));
    rig.pass(milliseconds(7 * (i % 5)));
    for (const std::string& text : client.heard()) {
      CHECK(rig.now - last >= milliseconds(100));
      last = rig.now;
      heard.push_back(text);
    }
  }
  rig.pass(milliseconds(100));
  for (const std::string& text : client.heard()) heard.push_back(text);
  CHECK(heard.back() == "989");
  for (std::size_t i = 1; i < heard.size(); ++i)
    CHECK(std::stoi(heard[i]) > std::stoi(heard[i - 1]));
}

TEST_CASE("Pace: each topic has its own") {
  Rig rig(1, paced());
  Client& client = rig.client(0);
  client.subscribe_pattern("*");
  for (const std::string& number : numbers(0, 9)) {
    rig.post(0, "paced " + number, number);
    rig.now += milliseconds(5);
  }
  CHECK(client.heard() == numbers(0, 9));
  for (const std::string& number : numbers(0, 9)) rig.post(0, "paced " + number, number);
  CHECK(client.heard().empty());
  for (const std::string& number : numbers(0, 9)) {
    rig.pass(milliseconds(rig.now < Instant(std::chrono::hours(1)) + milliseconds(100) ? 50 : 5));
    CHECK(client.heard() == Texts{number});
  }
}

TEST_CASE("Pace: of the past it is the newest, which does not come again when its time has come") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, paced(10));
    const std::string topic = rig.topic_at(shards - 1, "paced ");
    for (const char* text : {"1", "2", "3"}) rig.post(0, topic, text);
    Client& old = rig.client(0);
    Client& all = rig.client(0);
    Client& now = rig.client(0);
    Client& both = rig.client(0);
    old.subscribe(topic, since(1));
    all.subscribe(topic, last(10));
    now.subscribe(topic, from_now());
    both.subscribe_pattern("*");
    both.subscribe(topic, last(1));
    rig.settle();
    CHECK(old.heard() == Texts{"3"});
    CHECK_FALSE(old.uses->gap);
    CHECK(all.heard() == Texts{"3"});
    CHECK(both.heard() == Texts{"3"});
    rig.pass(milliseconds(100));
    for (Client* client : {&old, &all, &both}) CHECK(client->heard().empty());
    CHECK(now.heard() == Texts{"3"});
    rig.pass(milliseconds(100));
    rig.post(0, topic, "4");
    for (Client* client : {&old, &all, &now, &both}) CHECK(client->heard() == Texts{"4"});
  }
}

TEST_CASE("Pace: what waits comes to all who have no page with it, once") {
  for (const std::size_t history_size : {0, 10}) {
    Rig rig(1, paced(history_size));
    Client& plain = rig.client(0);
    Client& now = rig.client(0);
    Client& both = rig.client(0);
    Client& newest = rig.client(0);
    Client& read = rig.client(0);
    both.subscribe_pattern("*");
    rig.settle();
    rig.post(0, "paced", "1");
    CHECK(both.heard() == Texts{"1"});
    rig.post(0, "paced", "2");
    plain.subscribe("paced");
    for (Client* client : {&now, &both}) client->subscribe("paced", from_now());
    newest.subscribe("paced", last(1));
    read.subscribe("paced", since(2));
    rig.settle();
    CHECK(now.uses->offset == 1);
    const Texts kept = newest.heard();
    CHECK(kept.size() == std::min<std::size_t>(history_size, 1));
    rig.pass(milliseconds(100));
    for (Client* client : {&plain, &now, &both}) CHECK(client->heard() == Texts{"2"});
    CHECK(newest.heard().size() + kept.size() == 1);
    CHECK(read.heard().empty());
    for (Client* client : {&now, &both, &newest, &read}) CHECK(client->uses->offset == 2);
  }
}

TEST_CASE("Pace: many topics that are due at once take several turns") {
  Rig rig(1, paced());
  Client& client = rig.client(0);
  client.subscribe_pattern("*");
  for (int round = 0; round < 2; ++round)
    for (const std::string& number : numbers(0, 999)) rig.post(0, "paced " + number, number);
  CHECK(client.heard().size() == 1000);
  rig.now += milliseconds(100);
  Hub& hub = rig.shards[0]->hub;
  hub.on_due();
  Texts heard = client.heard();
  CHECK(heard.size() < 300);
  while (heard.size() < 1000) {
    REQUIRE(hub.next_due());
    REQUIRE(*hub.next_due() <= rig.now);
    hub.on_due();
    for (const std::string& text : client.heard()) heard.push_back(text);
  }
  CHECK(heard == numbers(0, 999));
}

TEST_CASE("Pace: a topic that nobody uses any more ends when its time has come") {
  Rig rig(1, paced());
  Client& client = rig.client(0);
  client.subscribe("paced");
  rig.post(0, "paced", "1");
  rig.post(0, "paced", "2");
  client.leave();
  rig.settle();
  CHECK(rig.shards[0]->hub.home().topics() == 1);
  rig.pass(milliseconds(100));
  rig.pass(milliseconds(100));
  CHECK(rig.shards[0]->hub.home().topics() == 0);
  CHECK(rig.shards[0]->memory.messages.out() == 0);
}

TEST_CASE("Pace: topics that are posted to, and nobody uses, end as well") {
  Rig rig(1, paced());
  Client& client = rig.client(0);
  client.subscribe_pattern("nothing/of/that");
  for (int i = 0; i < 100; ++i) rig.post(0, "paced " + std::to_string(i), "x");
  rig.pass(milliseconds(100));
  rig.pass(milliseconds(100));
  CHECK(rig.shards[0]->hub.home().topics() == 0);
  CHECK_FALSE(rig.shards[0]->hub.next_due());
}

}  // namespace
}  // namespace peal::hub::pace_test
