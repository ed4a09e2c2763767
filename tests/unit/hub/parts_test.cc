// SPDX-License-Identifier: Apache-2.0
// What is delivered in parts, while subscribers come and go.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "tests/support/rounds.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::parts_test {
namespace {

using namespace test;

TEST_CASE("Hub, in parts: one of those who have got it leaves when all others have left") {
  if (pushes_at_once() > 1) return;
  for (std::size_t leaver = 0; leaver < 3; ++leaver) {
    CAPTURE(leaver);
    Rig rig(1);
    Hub& hub = rig.shards[0]->hub;
    for (int i = 0; i < 5; ++i) rig.client(0).subscribe("room");
    rig.clients[0].publish("early");
    hub.go_on_delivering(3);
    rig.clients[4].leave();
    rig.clients[3].leave();
    rig.clients[leaver].leave();
    Client& late = rig.client(0);
    late.subscribe("room");
    const std::size_t next = (leaver + 1) % 3;
    rig.clients[next].leave();
    Client& stays = rig.clients[(leaver + 2) % 3];
    stays.publish("late");
    rig.settle();
    CHECK(stays.heard() == Texts{"early", "late"});
    CHECK(late.heard() == Texts{"late"});
  }
}

/// What it hears after it was told that a topic is ready.
Texts heard_when_ready(Client& client) {
  const Texts heard = client.heard();
  const auto told = std::ranges::find(heard, '!', [](const std::string& text) { return text[0]; });
  REQUIRE(told != heard.end());
  return {told + 1, heard.end()};
}

TEST_CASE("Hub, in parts: what a page brings does not come again by a pattern") {
  if (pushes_at_once() > 1) return;
  for (std::size_t pushes = 0; pushes < 30; ++pushes) {
    CAPTURE(pushes);
    Rig rig(1, keeping(10));
    Shard& shard = *rig.shards[0];
    shard.tells = true;
    for (int i = 0; i < 3; ++i) rig.client(0).subscribe("kept");
    for (int i = 0; i < 2; ++i) rig.client(0).subscribe_pattern("**");
    Client& client = rig.client(0);
    client.subscribe_pattern("**");
    for (const std::string& number : numbers(1, 4)) rig.clients[0].publish(number);
    shard.hub.go_on_delivering(pushes);  // of 24
    client.subscribe("kept", since(0));
    shard.hub.take_mail();
    rig.clients[0].publish("5");
    rig.settle();
    CHECK(heard_when_ready(client) == numbers(1, 5));
  }
}

TEST_CASE("Hub, in parts: what no page brings comes by a pattern, in order") {
  if (pushes_at_once() > 1) return;
  for (const Replay& replay : {from_now(), last(2)}) {
    Rig rig(1, keeping(10));
    Shard& shard = *rig.shards[0];
    for (int i = 0; i < 3; ++i) rig.client(0).subscribe("kept");
    Client& client = rig.client(0);
    client.subscribe_pattern("**");
    for (const std::string& number : numbers(1, 4)) rig.clients[0].publish(number);
    client.subscribe("kept", replay);
    shard.hub.take_mail();
    CHECK_FALSE(client.ready());
    Client& other = rig.client(0);
    other.subscribe("kept", replay);
    shard.hub.take_mail();
    CHECK(other.ready());  // no pattern: it need not wait
    rig.clients[0].publish("5");
    rig.settle();
    Texts expected = numbers(1, 4);
    if (replay.value == 2) expected.insert(expected.end(), {"3", "4"});  // as it asked for them
    expected.push_back("5");
    CHECK(client.heard() == expected);
  }
}

TEST_CASE("Hub, in parts: leaving while a page waits leaves nothing behind") {
  if (pushes_at_once() > 1) return;
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, keeping(10));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    for (int i = 0; i < 3; ++i) rig.client(0).subscribe(topic);
    Client& client = rig.client(0);
    client.subscribe_pattern("**");
    rig.settle();
    rig.clients[0].publish("x");
    client.subscribe(topic, since(0));
    for (int i = 0; i < 2; ++i)
      for (const auto& shard : rig.shards) {
        shard->hub.take_mail();
        shard->hub.flush([](ShardIndex) {});
      }
    REQUIRE(rig.shards[0]->hub.delivers());
    client.leave();
    rig.end();
    for (int i = 0; i < 3; ++i) CHECK(rig.clients[i].heard() == Texts{"x"});
  }
}

struct Member {
  Client* client;
  std::string topic;
  Texts due = {};
  bool gone = false;
};

void leave(Member& member) {
  const Texts heard = member.client->heard();
  REQUIRE(heard.size() <= member.due.size());
  REQUIRE(std::equal(heard.begin(), heard.end(), member.due.begin()));
  member.client->leave();
  member.gone = true;
}

/// Clients come, publish and go at random, between parts of any size. Everybody gets what was
/// published while it was there.
void run_parts(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Rig rig(1);
  Hub& hub = rig.shards[0]->hub;
  std::deque<Member> members;
  for (int step = 0; step < 300; ++step) {
    const std::uint64_t what = random() % 10;
    if (what > 6 || members.empty()) {
      members.push_back({&rig.client(0), "topic " + std::to_string(random() % 2)});
      members.back().client->subscribe(members.back().topic);
      continue;
    }
    const std::size_t which = random() % members.size();
    Member& member = members[which];
    if (what < 2) {
      hub.go_on_delivering(random() % 8);
    } else if (what == 2) {  // all who came after one
      for (std::size_t i = members.size(); --i > which;)
        if (!members[i].gone) leave(members[i]);
    } else if (member.gone) {
      continue;
    } else if (what < 4) {
      leave(member);
    } else {
      member.client->publish(std::to_string(step));
      for (Member& each : members)
        if (!each.gone && each.topic == member.topic) each.due.push_back(std::to_string(step));
    }
  }
  rig.settle();
  for (Member& member : members)
    if (!member.gone) REQUIRE(member.client->heard() == member.due);
}

TEST_CASE("Hub, in parts: all get what is published while they are there, whoever comes and goes") {
  if (pushes_at_once() > 1) return;
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(500); ++seed) {
    CAPTURE(seed);
    run_parts(seed);
  }
}

}  // namespace
}  // namespace peal::hub::parts_test
