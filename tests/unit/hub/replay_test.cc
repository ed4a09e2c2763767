// SPDX-License-Identifier: Apache-2.0
// What a subscriber is sent of the past, and what of it is kept.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::replay_test {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Numbers from `first` to `last` to a topic.
void post_numbers(Rig& rig, std::string_view topic, std::uint64_t first, std::uint64_t last) {
  for (const std::string& number : numbers(first, last))
    CHECK(message_id_text(rig.post(0, topic, number)).ends_with('-' + number));
}

TEST_CASE("Replay: nothing, from now, the last ones, or since one; then what is new") {
  for (ShardIndex shards = 1; shards <= 3; ++shards) {
    CAPTURE(shards);
    Rig rig(shards, keeping(10));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    post_numbers(rig, topic, 1, 8);
    const auto begin = [&](const Replay& replay) -> Client& {
      Client& client = rig.client(0);
      client.subscribe(topic, replay);
      return client;
    };
    Client& nothing = begin({});
    Client& now = begin(from_now());
    Client& two = begin(last(2));
    Client& none = begin(last(0));
    Client& all = begin(last(100));
    Client& from_five = begin(since(5));
    Client& from_first = begin(since(0));
    Client& up_to_date = begin(since(8));
    CHECK(rig.hear(nothing).empty());
    CHECK(rig.hear(now).empty());
    CHECK(rig.hear(two) == numbers(7, 8));
    CHECK(rig.hear(none).empty());
    CHECK(rig.hear(all) == numbers(1, 8));
    CHECK(rig.hear(from_five) == numbers(6, 8));
    CHECK(rig.hear(from_first) == numbers(1, 8));
    CHECK(rig.hear(up_to_date).empty());
    post_numbers(rig, topic, 9, 9);
    for (Client* client :
         {&nothing, &now, &two, &none, &all, &from_five, &from_first, &up_to_date}) {
      CHECK(rig.hear(*client) == numbers(9, 9));
      CHECK(client->ready());
      CHECK_FALSE(client->uses->gap);
      CHECK(client->uses->offset == 9);
    }
  }
}

TEST_CASE("Replay: where it begins is known when the use becomes ready") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, keeping(10));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    post_numbers(rig, topic, 1, 8);
    struct Case {
      Replay replay;
      std::uint64_t offset;
    };
    for (const Case& each : {Case{from_now(), 8}, {last(2), 6}, {since(3), 3}, {since(8), 8}}) {
      Client& client = rig.client(0);
      TopicUse& use = client.subscribe(topic, each.replay);
      while (!use.ready) {
        CHECK(client.outbox.empty());
        for (const auto& shard : rig.shards) shard->turn();
      }
      CHECK(rig.shards[0]->became_ready.back() == &use);
      CHECK(use.offset == 8);  // the page went in after that
      CHECK(rig.hear(client).size() == 8 - each.offset);
    }
  }
}

TEST_CASE("Replay: of a topic that keeps nothing it is told that something may be missing") {
  Rig rig(1);
  Client& witness = rig.client(0);
  witness.subscribe("room");
  for (int i = 0; i < 5; ++i) rig.post(0, "room", "x");
  Client& behind = rig.client(0);
  Client& up_to_date = rig.client(0);
  Client& some = rig.client(0);
  behind.subscribe("room", since(3));
  up_to_date.subscribe("room", since(5));
  some.subscribe("room", last(3));
  rig.settle();
  CHECK(behind.uses->gap);
  CHECK(behind.uses->offset == 5);
  CHECK_FALSE(up_to_date.uses->gap);
  CHECK_FALSE(some.uses->gap);
  rig.post(0, "room", "new");
  for (Client* client : {&behind, &up_to_date, &some}) CHECK(client->heard() == Texts{"new"});
}

TEST_CASE("Replay: another epoch, or an offset that was never given, is a gap and all there is") {
  Rig rig(2, keeping(10));
  const std::string topic = rig.topic_at(1, "kept ");
  post_numbers(rig, topic, 1, 3);
  Replay stale = since(2);
  ++stale.epoch;
  for (const Replay& replay : {stale, since(4), since(~std::uint64_t{0})}) {
    Client& client = rig.client(0);
    client.subscribe(topic, replay);
    CHECK(rig.hear(client) == numbers(1, 3));
    CHECK(client.uses->gap);
  }
}

TEST_CASE("Replay: what went by size is a gap, but not when only older ones went") {
  Rig rig(2, keeping(3));
  const std::string topic = rig.topic_at(1, "kept ");
  post_numbers(rig, topic, 1, 8);  // 6, 7 and 8 are left
  Client& client = rig.client(0);
  Client& just_so = rig.client(0);
  client.subscribe(topic, since(4));
  just_so.subscribe(topic, since(5));
  CHECK(rig.hear(client) == numbers(6, 8));
  CHECK(client.uses->gap);
  CHECK(rig.hear(just_so) == numbers(6, 8));
  CHECK_FALSE(just_so.uses->gap);
}

TEST_CASE("Replay: what is too old is not sent, whether it was swept away yet or not") {
  Rig rig(1, keeping(10, seconds(10)));
  rig.post(0, "kept", "old");
  rig.now += seconds(6);
  rig.post(0, "kept", "young");
  rig.now += milliseconds(4500);  // nothing was swept
  Client& client = rig.client(0);
  client.subscribe("kept", since(0));
  CHECK(rig.hear(client) == Texts{"young"});
  CHECK(client.uses->gap);
  client.leave();
  rig.pass(seconds(20));
  CHECK(rig.shards[0]->memory.messages.out() == 0);
  client.subscribe("kept", last(10));
  CHECK(rig.hear(client).empty());
  client.leave();
  Client& back = rig.client(0);
  back.subscribe("kept", since(2));
  rig.settle();
  CHECK_FALSE(back.uses->gap);
}

TEST_CASE("Replay: more than a page comes page by page, while more is published") {
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    CAPTURE(shards);
    Rig rig(shards, keeping(1000));
    const std::string topic = rig.topic_at(shards - 1, "kept ");
    post_numbers(rig, topic, 1, 300);
    Client& client = rig.client(0);
    client.subscribe(topic, since(10));
    Texts all;
    std::uint64_t next = 301;
    for (int round = 0; round < 20; ++round) {
      for (const auto& shard : rig.shards) shard->turn();
      const Texts some = client.heard();
      CHECK(some.size() <= History::kPageMessages + 3);
      all.insert(all.end(), some.begin(), some.end());
      client.make_room();
      rig.post(0, topic, std::to_string(next++));
    }
    const Texts rest = rig.hear(client);
    all.insert(all.end(), rest.begin(), rest.end());
    CHECK(all == numbers(11, next - 1));
    CHECK(client.uses->live);
    CHECK_FALSE(client.uses->gap);
  }
}

TEST_CASE("Replay: pages end by their bytes") {
  Rig rig(1, keeping(1000), 16 << 20);
  const std::string text(100'000, 'x');
  for (int i = 0; i < 10; ++i) rig.post(0, "kept", text);
  Client& client = rig.client(0);
  client.subscribe("kept", last(10));
  rig.settle();
  CHECK(client.outbox.bytes() <= History::kPageBytes);
  CHECK(rig.hear(client) == Texts(10, text));
}

TEST_CASE("Replay: a client with a small queue is not punished for what it was sent of the past") {
  for (const SlowClient slow_client :
       {SlowClient::disconnect, SlowClient::drop, SlowClient::latest}) {
    Rig rig(1, keeping(100));
    const std::string text(1000, 'x');
    for (int i = 0; i < 100; ++i) rig.post(0, "kept", text);
    Client& client = rig.client(0);
    client.policy = {.queue_size = 64 << 10, .slow_client = slow_client};
    client.subscribe("kept", last(100));
    std::size_t heard = 0;
    for (int round = 0; round < 100; ++round) {
      rig.settle();
      rig.post(0, "kept", text);  // one a round: it need not keep more than that beside the past
      heard += client.heard().size();
      client.make_room();
    }
    CHECK_FALSE(client.outbox.overflowed());
    CHECK(client.outbox.dropped() == 0);
    CHECK(heard + rig.hear(client).size() == 200);
    CHECK_FALSE(client.uses->gap);
  }
}

TEST_CASE("Replay: many that come back at once have their pages over several turns") {
  constexpr std::size_t kClients = 200;
  constexpr std::uint64_t kMost = 4096 + 2 * History::kPageMessages;  // pushed in a turn
  for (ShardIndex shards = 1; shards <= 2; ++shards) {
    Rig rig(shards, keeping(64));
    const std::string topic = rig.topic_at(0, "kept ");
    post_numbers(rig, topic, 1, 64);
    for (std::size_t i = 0; i < kClients; ++i) rig.client(shards - 1u).subscribe(topic, last(64));
    const auto delivered = [&] { return rig.shards[shards - 1]->hub.counters().delivered; };
    std::uint64_t before = 0;
    int turns = 0;
    while (delivered() < 64 * kClients) {
      for (const auto& shard : rig.shards) shard->turn();
      REQUIRE(delivered() - before <= kMost);
      before = delivered();
      REQUIRE(++turns < 20);
    }
    for (Client& client : rig.clients) CHECK(client.heard() == numbers(1, 64));
  }
}

TEST_CASE("Replay: who reads more slowly than the history goes on is told of the gap") {
  Rig rig(2, keeping(100));
  const std::string topic = rig.topic_at(1, "kept ");
  post_numbers(rig, topic, 1, 100);
  Client& client = rig.client(0);
  client.subscribe(topic, last(100));
  rig.settle();
  CHECK(client.heard() == numbers(1, 64));
  post_numbers(rig, topic, 101, 200);
  CHECK(rig.shards[0]->gaps.empty());
  client.make_room();
  rig.settle();
  CHECK(rig.shards[0]->gaps == std::vector<TopicUse*>{client.uses});
  CHECK(client.uses->gap);
  CHECK(rig.hear(client) == numbers(101, 200));
  CHECK(rig.shards[0]->gaps.size() == 1);
  CHECK_FALSE(client.uses->gap);  // in what came after it
}

TEST_CASE("Replay: leaving while a question or a page is under way leaves nothing behind") {
  for (ShardIndex shards = 1; shards <= 3; ++shards) {
    for (int turns = 0; turns < 8; ++turns) {
      Rig rig(shards, keeping(100));
      const std::string topic = rig.topic_at(shards - 1, "kept ");
      post_numbers(rig, topic, 1, 100);
      Client& client = rig.client(0);
      Client& other = rig.client(0);
      other.subscribe(topic, from_now());
      client.subscribe(topic, last(100));
      for (int i = 0; i < turns; ++i) {
        rig.shards[static_cast<std::size_t>(i) % shards]->turn();
        client.make_room();
      }
      client.leave();
      Client& next = rig.client(0);
      next.subscribe(topic, since(98));
      rig.settle();
      CHECK(next.heard() == numbers(99, 100));
      CHECK(client.outbox.empty());
      CHECK(other.ready());
    }
  }
}

TEST_CASE("Replay: leaving between two pages leaves nothing behind") {
  Rig rig(2, keeping(100));
  const std::string topic = rig.topic_at(1, "kept ");
  post_numbers(rig, topic, 1, 100);
  Client& client = rig.client(0);
  client.subscribe(topic, last(100));
  rig.settle();
  CHECK(client.outbox.wants_room());
  client.leave();
  client.make_room();
  rig.settle();
  CHECK(client.outbox.empty());
}

TEST_CASE("Replay: offsets never come again after a topic has ended") {
  Rig rig(1, keeping(10));
  Client& client = rig.client(0);
  std::map<std::string, std::uint64_t> newest;
  for (const std::string topic : {"room", "room", "other", "kept", "room", "other", "kept"}) {
    client.subscribe(topic);
    for (int i = 0; i < 3; ++i) {
      const MessageId id = rig.post(0, topic, "x");
      CHECK(id.offset > newest[topic]);
      newest[topic] = id.offset;
    }
    client.leave();
    rig.settle();
  }
  const MessageId id = rig.post(0, "room", "nobody hears this");
  CHECK(id.offset > newest["room"]);
  client.subscribe("room", since(newest["room"]));
  rig.settle();
  CHECK(client.uses->gap);
  CHECK(client.uses->offset == id.offset);
}

TEST_CASE("Replay: in the form the client wants, also what nobody wanted when it was published") {
  Rig rig(2, keeping(10));
  const std::string topic = rig.topic_at(1, "kept ");
  const std::string text(300, 'x');
  const std::string id = message_id_text(rig.post(0, topic, text));
  Client& json = rig.client(0);
  Client& deflated = rig.client(0);
  Client& events = rig.client(0);
  Client& item = rig.client(0);
  json.outbox.set_encoding(Encoding::json_frames);
  deflated.outbox.set_deflate({.on = true});
  events.outbox.set_encoding(Encoding::events);
  item.outbox.set_encoding(Encoding::json_items);
  for (Client* client : {&json, &deflated, &events, &item}) client->subscribe(topic, last(1));
  rig.settle();
  const auto raw = [](Client& client) {
    const Segment* first = client.outbox.first();
    return first ? std::string(as_text({first->data, first->size})) : "nothing";
  };
  CHECK(raw(events) == "id: " + id + "\nevent: message\ndata: " + text + "\n\n");
  const std::string object =
      R"({"id":")" + id + R"(","topic":")" + topic + R"(","data":")" + text + "\"}";
  CHECK(raw(item) == "," + object);
  CHECK(json.heard() == Texts{object});
  CHECK(deflated.heard() == Texts{"~" + text});
  CHECK(json.outbox.empty());
}

TEST_CASE("Replay: a use on another shard wants a form, and what is live comes in it at once") {
  Rig rig(2, keeping(10));
  const std::string topic = rig.topic_at(1, "kept ");
  Client& plain = rig.client(0);
  plain.subscribe(topic);
  rig.settle();
  Client& json = rig.client(0);
  json.outbox.set_encoding(Encoding::json_frames);
  json.subscribe(topic, from_now());
  for (int i = 0; i < 6; ++i) {
    rig.shards[1]->hub.post(
        topic, rig.shards[1]->memory.make_message(ws::Opcode::text, as_bytes("x")), {});
    rig.shards[i % 2]->turn();
  }
  rig.settle();
  CHECK(plain.heard().size() == 6);
  const Texts texts = json.heard();
  CHECK_FALSE(texts.empty());
  for (const std::string& text : texts) CHECK(text.starts_with(R"({"id":")"));
}

// ---- The memory of histories -------------------------------------------------------------------

TEST_CASE("Replay: when memory is short the topics published to least recently lose theirs") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Rig rig(1, keeping(10), 16 << 10);
    const Home& home = rig.shards[0]->hub.home();
    Texts recent;  // topics, the latest last
    for (int i = 0; i < 200; ++i) {
      const std::string topic = "kept " + std::to_string(random() % 20);
      rig.now += milliseconds(1);
      rig.post(0, topic, std::string(random() % 1000, 'x'));
      std::erase(recent, topic);
      recent.push_back(topic);
      REQUIRE(home.history_bytes() <= 16 << 10);
    }
    CHECK(home.counters().evicted > 0);
    bool all_kept = true;
    for (; !recent.empty(); recent.pop_back()) {
      Client& client = rig.client(0);
      client.subscribe(recent.back(), last(1));
      const bool kept = !rig.hear(client).empty();
      CHECK((all_kept || !kept));
      all_kept = kept;
    }
    CHECK_FALSE(all_kept);
  }
}

TEST_CASE("Replay: of one topic that is too much for memory the newest messages stay") {
  Rig rig(1, keeping(1000), 4 << 10);
  Client& client = rig.client(0);
  for (int i = 0; i < 100; ++i) rig.post(0, "kept", std::to_string(i));
  client.subscribe("kept", last(1000));
  const Texts texts = rig.hear(client);
  CHECK(texts.size() > 5);
  CHECK(texts.size() < 20);
  CHECK(texts.back() == "99");
  CHECK(rig.shards[0]->hub.home().history_bytes() <= 4 << 10);
  rig.post(0, "kept", std::string(100'000, 'x'));
  CHECK(rig.hear(client).size() == 1);
  CHECK(rig.shards[0]->hub.home().history_bytes() < 150'000);
  rig.post(0, "kept", "small");
  CHECK(rig.shards[0]->hub.home().history_bytes() <= 4 << 10);
}

TEST_CASE("Replay: an evicted history is a gap for who asks for it, not for who has it all") {
  Rig rig(1, keeping(10), 2 << 10);
  rig.post(0, "kept 1", "x");
  rig.post(0, "kept 1", "y");
  Client& client = rig.client(0);
  client.subscribe("kept 1");  // so that the topic stays
  rig.post(0, "kept 2", std::string(1000, 'x'));
  REQUIRE(rig.shards[0]->hub.home().counters().evicted == 1);
  Client& behind = rig.client(0);
  Client& up_to_date = rig.client(0);
  behind.subscribe("kept 1", since(1));
  up_to_date.subscribe("kept 1", since(2));
  rig.settle();
  CHECK(behind.uses->gap);
  CHECK_FALSE(up_to_date.uses->gap);
}

/// Messages that a post lets go of.
std::size_t let_go_by(Rig& rig, const std::string& topic, std::size_t size) {
  Shard& shard = *rig.shards[0];
  const std::string text(size, 'x');
  const std::size_t before = shard.memory.messages.out();
  shard.hub.post(topic, shard.memory.make_message(ws::Opcode::text, as_bytes(text)), {});
  return before + 1 - shard.memory.messages.out();
}

TEST_CASE("Replay: no publication lets go of more than a share, and memory stays bounded") {
  constexpr std::size_t kMemory = 4 << 20;
  Rig rig(1, keeping(100'000), kMemory);
  const Home& home = rig.shards[0]->hub.home();
  while (home.history_bytes() < kMemory - 4096) rig.post(0, "kept large", "x");
  const std::size_t messages = rig.shards[0]->memory.messages.out();
  REQUIRE(messages > 10'000);
  for (int i = 0; i < 1000; ++i) {
    rig.now += milliseconds(1);
    REQUIRE(let_go_by(rig, "kept " + std::to_string(i), i % 100) <= 64);
    REQUIRE(home.history_bytes() <= kMemory);
  }
  CHECK(rig.shards[0]->memory.messages.out() > messages / 2);  // the large one gave way in part
  CHECK(home.counters().evicted == 1);

  // A large one lets go of as much as it brings, and no more.
  rig.now += milliseconds(1);
  const std::size_t let_go = let_go_by(rig, "kept blob", 500'000);
  CHECK(let_go > 1000);
  CHECK(let_go < 10'000);
  CHECK(home.history_bytes() <= kMemory + 1024);  // a topic came, too
  rig.settle();
  CHECK(home.history_bytes() <= kMemory);

  Client& client = rig.client(0);
  client.subscribe("kept large", since(1));
  rig.settle();
  CHECK(client.uses->gap);
}

TEST_CASE("Replay: with less memory than before, what is above it goes in turns") {
  Rig rig(1, keeping(100'000), 4 << 20);
  Shard& shard = *rig.shards[0];
  for (int i = 0; i < 10'000; ++i) rig.post(0, "kept", "x");
  const std::size_t taken = shard.hub.home().history_bytes();
  shard.hub.set_policies(rig.policies, taken / 2);
  std::size_t before = shard.memory.messages.out();
  int turns = 0;
  do {
    shard.turn();
    REQUIRE(before - shard.memory.messages.out() <= 1024);
    before = shard.memory.messages.out();
    ++turns;
  } while (shard.hub.works());
  CHECK(turns > 3);
  CHECK(shard.hub.home().history_bytes() <= taken / 2);
  CHECK(shard.memory.messages.out() > 4000);
}

TEST_CASE("Replay: what is too old is not sent, also while it is still there") {
  Rig rig(1, keeping(1000, seconds(10)));
  for (int i = 0; i < 500; ++i) rig.post(0, "kept", "old");
  rig.now += seconds(11);
  CHECK(let_go_by(rig, "kept", 1) == 64);
  Client& client = rig.client(0);
  client.subscribe("kept", last(1000));
  CHECK(rig.hear(client) == Texts{"x"});
  Client& behind = rig.client(0);
  behind.subscribe("kept", since(499));
  rig.settle();
  CHECK(behind.uses->gap);
}

TEST_CASE("Replay: topics that are only looked at do not grow without bound") {
  constexpr std::size_t kMemory = 64 << 10;
  Rig rig(1, keeping(10), kMemory);
  Client& client = rig.client(0);
  for (int i = 0; i < 5000; ++i) {
    client.subscribe("kept " + std::to_string(i), last(1));
    rig.settle();
    client.leave();
  }
  CHECK(rig.shards[0]->hub.home().history_bytes() <= kMemory);
  CHECK(rig.shards[0]->hub.home().topics() <= kMemory / 512);
  for (int i = 0; i < 5000; ++i) rig.post(0, "kept " + std::to_string(i), "x");
  CHECK(rig.shards[0]->hub.home().history_bytes() <= kMemory);
  CHECK(rig.shards[0]->hub.home().topics() <= kMemory / 512);
}

TEST_CASE("Replay: what is too old goes a share at a time") {
  Rig rig(1, keeping(10'000, seconds(10)), 16 << 20);
  for (int i = 0; i < 10'000; ++i) rig.post(0, i % 2 ? "kept 0" : "kept 1", "x");
  rig.now += seconds(11);
  Shard& shard = *rig.shards[0];
  std::size_t before = shard.memory.messages.out();
  int turns = 0;
  for (; shard.memory.messages.out() > 0; ++turns) {
    REQUIRE(*shard.hub.next_due() <= rig.now);
    shard.hub.on_due();
    REQUIRE(before - shard.memory.messages.out() <= 4097);
    before = shard.memory.messages.out();
  }
  CHECK(turns == 3);
  CHECK_FALSE(shard.hub.next_due());
}

TEST_CASE("Replay: a topic is forgotten when its history is too old and memory is wanted") {
  Rig rig(1, keeping(10, seconds(10)), 64 << 10);
  for (int i = 0; i < 50; ++i) rig.post(0, "kept " + std::to_string(i), "x");
  rig.pass(seconds(11));
  CHECK(rig.shards[0]->memory.messages.out() == 0);
  CHECK(rig.shards[0]->hub.home().topics() == 50);  // their offsets are still known
  CHECK(rig.post(0, "kept 7", "y").offset == 2);
  rig.pass(seconds(11));
  CHECK_FALSE(rig.shards[0]->hub.next_due());
}

}  // namespace
}  // namespace peal::hub::replay_test
