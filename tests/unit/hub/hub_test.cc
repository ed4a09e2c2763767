// SPDX-License-Identifier: Apache-2.0
#include "core/hub/hub.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::hub_test {
namespace {

using namespace test;

TEST_CASE("Hub: on one shard a use is ready at once, and messages come at once") {
  if (pushes_at_once() < 2) return;
  Rig rig(1);
  Client& alice = rig.client(0);
  Client& bob = rig.client(0);
  CHECK(alice.subscribe("room").ready);
  CHECK(bob.subscribe("room").ready);
  alice.publish("hello");
  CHECK(alice.heard() == Texts{"hello"});
  CHECK(bob.heard() == Texts{"hello"});
  alice.publish("not to me", false);
  CHECK(alice.heard().empty());
  CHECK(bob.heard() == Texts{"not to me"});
  CHECK(rig.shards[0]->hub.topics() == 1);
}

TEST_CASE("Hub, in parts: who leaves makes nobody miss it, who comes does not get it") {
  if (pushes_at_once() > 1) return;
  for (std::size_t leaver = 0; leaver < 5; ++leaver) {
    CAPTURE(leaver);
    Rig rig(1);
    Hub& hub = rig.shards[0]->hub;
    for (int i = 0; i < 5; ++i) rig.client(0).subscribe("room");
    rig.clients[4].publish("early");
    REQUIRE(hub.delivers());
    hub.go_on_delivering(2);
    const Texts heard_by_leaver = rig.clients[leaver].heard();
    rig.clients[leaver].leave();
    Client& late = rig.client(0);
    late.subscribe("room");
    rig.clients[leaver == 4 ? 3 : 4].publish("late");
    rig.settle();
    CHECK(heard_by_leaver == (leaver < 2 ? Texts{"early"} : Texts{}));
    for (std::size_t i = 0; i < 5; ++i) {
      CAPTURE(i);
      if (i != leaver) CHECK(rig.clients[i].heard() == Texts{"early", "late"});
    }
    CHECK(late.heard() == Texts{"late"});
  }
}

TEST_CASE("Hub, in parts: what is left is delivered at the end") {
  if (pushes_at_once() > 1) return;
  Rig rig(1);
  Hub& hub = rig.shards[0]->hub;
  for (int i = 0; i < 3; ++i) rig.client(0).subscribe("room");
  rig.clients[0].publish("x");
  hub.go_on_delivering(1);
  CHECK_FALSE(hub.settled());
  rig.end();
  for (Client& client : rig.clients) CHECK(client.heard() == Texts{"x"});
}

TEST_CASE("Hub, in parts: publishers wait when too much does") {
  if (pushes_at_once() > 1) return;
  Rig rig(1);
  Hub& hub = rig.shards[0]->hub;
  for (int i = 0; i < 2; ++i) rig.client(0).subscribe("room");
  std::size_t published = 0;
  for (; !hub.congested(); ++published) {
    REQUIRE(published < 1000);
    rig.clients[0].publish(std::to_string(published + 1));
  }
  rig.settle();
  CHECK_FALSE(hub.congested());
  for (Client& client : rig.clients) CHECK(client.heard() == numbers(1, published));
}

TEST_CASE("Hub: who only publishes gets nothing; other topics get nothing") {
  Rig rig(1);
  Client& publisher = rig.client(0);
  Client& other = rig.client(0);
  publisher.open("room");
  other.subscribe("elsewhere");
  publisher.publish("x");
  CHECK(publisher.heard().empty());
  CHECK(other.heard().empty());
}

TEST_CASE("Hub: a topic at home elsewhere is ready when the home has answered") {
  Rig rig(2);
  Client& client = rig.client(0);
  TopicUse& use = client.subscribe(rig.topic_at(1));
  CHECK_FALSE(use.ready);
  rig.shards[0]->turn();
  CHECK_FALSE(use.ready);
  rig.shards[1]->turn();
  rig.shards[0]->turn();
  CHECK(use.ready);
  CHECK(rig.shards[0]->became_ready == std::vector<TopicUse*>{&use});
  client.publish("round trip");
  rig.settle();
  CHECK(client.heard() == Texts{"round trip"});
}

TEST_CASE("Hub: the first subscriber of a topic that is only published to has to be asked for") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& publisher = rig.client(0);
  publisher.open(topic);
  rig.settle();
  REQUIRE(publisher.ready());
  Client& subscriber = rig.client(0);
  CHECK_FALSE(subscriber.subscribe(topic).ready);
  Client& later = rig.client(0);
  CHECK_FALSE(later.subscribe(topic).ready);  // the question is not answered yet
  Client& second_publisher = rig.client(0);
  CHECK(second_publisher.open(topic).ready);  // needs no answer
  rig.settle();
  CHECK(subscriber.ready());
  CHECK(later.ready());
  Client& last = rig.client(0);
  CHECK(last.subscribe(topic).ready);
  publisher.publish("x");
  rig.settle();
  for (Client* client : {&subscriber, &later, &last}) CHECK(client->heard() == Texts{"x"});
}

TEST_CASE("Hub: leaving before the answer leaves nothing behind") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& first = rig.client(0);
  Client& second = rig.client(0);
  first.subscribe(topic);
  second.subscribe(topic);
  first.leave();
  rig.settle();
  CHECK_FALSE(first.ready());
  CHECK(second.ready());
  CHECK(rig.shards[0]->became_ready.size() == 1);
  second.leave();
  Client& third = rig.client(0);
  third.subscribe(topic);
  third.leave();
  rig.settle();
  for (const auto& shard : rig.shards) CHECK(shard->all_given_back());
}

TEST_CASE("Hub: gone and back before the home knows") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& client = rig.client(0);
  client.subscribe(topic);
  rig.settle();
  for (int i = 0; i < 10; ++i) {
    client.leave();
    client.subscribe(topic);
  }
  rig.settle();
  CHECK(client.ready());
  client.publish("once");
  rig.settle();
  CHECK(client.heard() == Texts{"once"});
}

TEST_CASE("Hub: the last subscriber leaves, publishers stay, and nothing is sent in vain") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& publisher = rig.client(0);
  Client& subscriber = rig.client(0);
  publisher.open(topic);
  subscriber.subscribe(topic);
  rig.settle();
  subscriber.leave();
  rig.settle();
  publisher.publish("x");
  rig.shards[0]->turn();
  rig.shards[1]->turn();
  CHECK(rig.shards[1]->memory.messages.out() == 0);
  rig.settle();
  CHECK(rig.shards[0]->memory.messages.out() == 0);
}

TEST_CASE("Hub: an original lives until the last shard has let go of it") {
  Rig rig(3);
  const std::string topic = rig.topic_at(2);
  Client& publisher = rig.client(0);
  Client& near = rig.client(0);
  Client& far = rig.client(1);
  publisher.open(topic);
  near.subscribe(topic);
  far.subscribe(topic);
  rig.settle();
  publisher.publish("x");
  rig.settle();
  CHECK(rig.shards[0]->memory.blocks.bytes_out() > 0);
  CHECK(near.heard() == Texts{"x"});
  rig.settle();
  CHECK(rig.shards[0]->memory.blocks.bytes_out() > 0);
  CHECK(far.heard() == Texts{"x"});
  rig.settle();
  for (const auto& shard : rig.shards) {
    CHECK(shard->memory.messages.out() == 0);
    CHECK(shard->memory.blocks.bytes_out() == 0);
  }
}

TEST_CASE("Hub: one client in several topics leaves them all") {
  Rig rig(3);
  Client& client = rig.client(0);
  for (int i = 0; i < 10; ++i) client.subscribe("topic " + std::to_string(i));
  rig.settle();
  CHECK(client.ready());
  CHECK(rig.shards[0]->hub.topics() == 10);
  client.leave();
  CHECK(rig.shards[0]->hub.topics() == 0);
}

TEST_CASE("Hub: an outbox that was put something into is in the list, once") {
  Rig rig(1);
  Client& client = rig.client(0);
  client.subscribe("room");
  client.publish("a");
  client.publish("b");
  CHECK(rig.shards[0]->due.pop_delivery() == &client.outbox);
  CHECK(rig.shards[0]->due.empty());
}

/// Clients come, publish and go at random; shards take turns at random. One client stays on each
/// topic: its order is the order.
void run_races(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Rig rig(static_cast<ShardIndex>(1 + seed % 3));
  const auto shard = [&] { return random() % rig.shards.size(); };
  constexpr std::size_t kTopics = 3;
  const auto topic = [](std::size_t number) { return "topic " + std::to_string(number); };

  struct Member {
    Client* client;
    std::size_t topic;
    std::size_t from = 0;  // how much of the topic was published when it was ready
    bool stays = false;
    bool let_in = false;
    bool gone = false;
    Texts heard = {};
  };
  std::deque<Member> members;
  for (std::size_t i = 0; i < kTopics; ++i) {
    members.push_back({&rig.client(shard()), i});
    members.back().stays = true;
    members.back().client->subscribe(topic(i));
  }
  rig.settle();
  std::vector<Texts> published(kTopics);
  for (int step = 0; step < 300; ++step) {
    rig.shards[shard()]->turn();
    for (Member& member : members) {
      if (member.gone || member.let_in || !member.client->ready()) continue;
      member.let_in = true;
      member.from = published[member.topic].size();
    }
    Member& member = members[random() % members.size()];
    switch (random() % 4) {
      case 0:
        if (members.size() > 30) break;
        members.push_back({&rig.client(shard()), random() % kTopics});
        members.back().client->subscribe(topic(members.back().topic));
        break;
      case 1:
        if (member.gone || member.stays || random() % 3) break;
        for (std::string& text : member.client->heard()) member.heard.push_back(std::move(text));
        member.client->leave();
        member.gone = true;
        break;
      default:
        if (member.gone || !member.client->ready()) break;
        published[member.topic].push_back(std::to_string(step));
        member.client->publish(std::to_string(step));
        break;
    }
  }
  rig.settle();
  for (Member& member : members) {
    if (!member.gone) member.heard = member.client->heard();
    const Texts& order = members[member.topic].heard;
    if (member.stays) {
      REQUIRE(order.size() == published[member.topic].size());
      REQUIRE(std::is_permutation(order.begin(), order.end(), published[member.topic].begin()));
      continue;
    }
    if (member.heard.empty()) {
      if (!member.gone && member.let_in) REQUIRE(member.from == published[member.topic].size());
      continue;
    }
    const auto first = std::ranges::find(order, member.heard.front());
    REQUIRE(order.end() - first >= static_cast<std::ptrdiff_t>(member.heard.size()));
    REQUIRE(std::equal(member.heard.begin(), member.heard.end(), first));
    if (member.gone) continue;
    REQUIRE(order.end() - first == static_cast<std::ptrdiff_t>(member.heard.size()));
    const auto& all = published[member.topic];
    for (std::size_t i = member.from; member.let_in && i < all.size(); ++i)
      REQUIRE(std::ranges::find(member.heard, all[i]) != member.heard.end());
  }
}

TEST_CASE("Hub: one order for all, nothing lost after the use is ready, whatever the races") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(500); ++seed) {
    CAPTURE(seed);
    run_races(seed);
  }
}

TEST_CASE("Hub, in parts: no lane keeps another one waiting") {
  if (pushes_at_once() > 1) return;
  Rig rig(3);
  const std::string here = rig.topic_at(2), elsewhere = rig.topic_at(0);
  for (int i = 0; i < 2; ++i) {
    rig.client(2).subscribe(here);
    rig.client(2).subscribe(elsewhere);
  }
  rig.client(0).open(elsewhere);
  rig.client(0).open(here);
  rig.client(1).open(here);
  rig.settle();
  for (int i = 0; i < 1000; ++i)
    for (std::size_t publisher = 4; publisher < 7; ++publisher)
      rig.clients[publisher].publish(std::to_string(publisher));
  for (int turns = 0; turns < 500; ++turns)
    for (const auto& shard : rig.shards) shard->turn();
  REQUIRE(rig.shards[2]->hub.delivers());
  const Texts texts = rig.clients[0].heard();
  CHECK(std::ranges::count(texts, "5") > 50);
  CHECK(std::ranges::count(texts, "6") > 50);
  CHECK(rig.clients[1].heard().size() > 50);
}

TEST_CASE("Hub: two shards that have filled each other's up lanes go on") {
  Rig rig(2);
  Client& alice = rig.client(0);
  Client& bob = rig.client(1);
  alice.subscribe(rig.topic_at(1));
  bob.subscribe(rig.topic_at(0));
  rig.settle();
  constexpr std::size_t kMessages = 3000;  // more than a lane holds
  for (std::size_t i = 0; i < kMessages; ++i) {
    alice.publish("to the other's home");
    bob.publish("and back");
  }
  for (int turns = 0; turns < 20; ++turns)
    for (const auto& shard : rig.shards) shard->turn();
  REQUIRE_FALSE(rig.shards[0]->hub.congested());
  REQUIRE_FALSE(rig.shards[1]->hub.congested());
  CHECK(alice.heard().size() == kMessages);
  CHECK(bob.heard().size() == kMessages);
}

}  // namespace
}  // namespace peal::hub::hub_test
