// SPDX-License-Identifier: Apache-2.0
// Whatever happens in whichever order, a subscriber gets the messages that there are from where it
// began: in order, none twice, and none missing unless it was told so.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>

#include "tests/support/rounds.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::replay_model_test {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPace = milliseconds(100);

/// "plain 0" keeps nothing, "all 0" everything, "few 0" the last 5, "young 0" the last second,
/// "paced 0" everything, but is not heard of all the time.
Policies all_kinds() {
  Policies policies;
  policies.add("all", {.history_size = 10'000});
  policies.add("few", {.history_size = 5});
  policies.add("young", {.history_size = 10'000, .history_age = seconds(1)});
  policies.add("paced", {.history_size = 10'000, .pace = kPace});
  return policies;
}

/// What a reload makes of them: histories and paces become longer and shorter, come and go, but for
/// those of "plain" and "all".
Policies others(std::mt19937_64& random) {
  const auto size = [&] { return std::array<std::size_t, 5>{0, 1, 5, 50, 10'000}[random() % 5]; };
  Policies policies;
  if (random() % 2) policies.add("unused", {});
  policies.add("few", {.history_size = size()});
  policies.add("all", {.history_size = 10'000});
  policies.add("young", {.history_size = size(), .history_age = seconds(random() % 3)});
  policies.add("paced", {.history_size = size(), .pace = kPace * (random() % 3)});
  return policies;
}

const Texts kTopics = {"plain 0", "plain 1", "all 0", "all 1", "few 0", "young 0", "paced 0"};

struct Subscriber {
  Client* client = nullptr;
  std::string topic;  // empty: all, by a pattern
  Replay replay;
  std::uint64_t known = 0;  // newest offset that was known when it subscribed
  bool beside = false;      // has a pattern that matches all, too
  bool at_once = false;     // by the same request
  bool exact = true;        // nothing may be missing, its queue being large enough
  bool gone = false;
  Texts heard = {};
  std::vector<std::pair<Replay, std::uint64_t>> again = {};  // `replay` and `known` of later ones
};

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed),
        // With little memory histories give way to one another.
        ample_(seed % 4 != 0),
        reloads_(seed % 5 < 2),
        rig_(static_cast<ShardIndex>(1 + seed % 5), all_kinds(), ample_ ? 64 << 20 : 8 << 10) {
    for (const auto& shard : rig_.shards) shard->tells = true;
  }

  void run() {
    for (auto steps = 50 + below(250); steps > 0; --steps) step();
    rig_.settle();
    rig_.pass(2 * kPace);
    for (Subscriber& subscriber : subscribers_) finish(subscriber);
    read_receipts();
    for (Subscriber& subscriber : subscribers_) check(subscriber);
  }

 private:
  using Order = std::map<std::uint64_t, std::string>;  // what was published, by offset

  std::size_t below(std::size_t bound) { return random_() % bound; }
  Shard& any_shard() { return *rig_.shards[below(rig_.shards.size())]; }

  void step() {
    if (reloads_ && below(15) == 0) reload();
    switch (below(10)) {
      case 0:
        if (subscribers_.size() < 25) subscribe();
        break;
      case 1:
      case 2:
      case 3:
        post(kTopics[below(below(2) ? kTopics.size() : 3)]);
        break;
      case 4:
        if (subscribers_.empty() || below(3)) break;
        if (below(2))
          leave(subscribers_[below(subscribers_.size())]);
        else
          subscribe_again(subscribers_[below(subscribers_.size())]);
        break;
      case 5:
        if (subscribers_.empty()) break;
        read(subscribers_[below(subscribers_.size())], below(100));
        break;
      case 6:
        rig_.now += milliseconds(below(below(20) ? 50 : 1500));
        if (Hub& hub = any_shard().hub; hub.next_due() && *hub.next_due() <= rig_.now) hub.on_due();
        break;
      default:
        any_shard().turn();
    }
  }

  /// Reactors follow one after another.
  void reload() {
    if (reloaded_.empty() || below(2)) reloaded_.push_back(others(random_));
    any_shard().hub.set_policies(reloaded_.back(), ample_ ? 64 << 20 : 8 << 10);
    for (Subscriber& subscriber : subscribers_)
      if (!subscriber.exact && below(4) == 0) draw_limits(subscriber);
  }

  void draw_limits(Subscriber& subscriber) {
    subscriber.exact = false;
    subscriber.client->policy = {.queue_size = static_cast<std::uint32_t>(1000 + below(5000)),
                                 .slow_client = below(2) ? SlowClient::drop : SlowClient::latest};
  }

  void post(const std::string& topic) {
    for (auto burst = below(8) ? 1 : 1 + below(150); burst > 0; --burst) {
      const std::string text = topic + ':' + std::to_string(texts_.size());
      Shard& from = any_shard();
      texts_.push_back(text);
      offsets_.push_back(0);
      from.hub.post(topic, from.memory.make_message(ws::Opcode::text, as_bytes(text)),
                    {.connection = {}, .number = static_cast<std::uint32_t>(texts_.size() - 1)});
    }
  }

  void read_receipts() {
    for (const auto& shard : rig_.shards) {
      for (const Shard::Posted& posted : shard->posted) {
        const std::string& text = texts_[posted.ticket.number];
        const std::string topic = text.substr(0, text.find(':'));
        REQUIRE(orders_[topic].emplace(posted.id.offset, text).second);
        offsets_[posted.ticket.number] = posted.id.offset;
      }
      shard->posted.clear();
    }
  }

  void subscribe() {
    read_receipts();
    Subscriber subscriber{.client = &rig_.client(below(rig_.shards.size())),
                          .topic = below(6) ? kTopics[below(kTopics.size())] : "",
                          .replay = {}};
    Client& client = *subscriber.client;
    client.policy.queue_size = 1 << 30;
    if (below(4) == 0) draw_limits(subscriber);
    if (below(4) == 0) client.outbox.set_deflate({.on = true});
    if (subscriber.topic.empty()) {
      client.subscribe_pattern("*");
    } else {
      const Order& order = orders_[subscriber.topic];
      subscriber.known = order.empty() ? 0 : order.rbegin()->first;
      subscriber.replay = draw_replay(order);
      subscribe_to(subscriber);
    }
    subscribers_.push_back(std::move(subscriber));
  }

  /// To its topic, and some to a pattern as well: in the same request, or before or after that.
  void subscribe_to(Subscriber& subscriber) {
    Client& client = *subscriber.client;
    const bool pattern_first = below(2);
    subscriber.beside = below(3) == 0;
    subscriber.at_once = subscriber.beside && below(2);
    if (subscriber.at_once) client.begin();
    if (subscriber.beside && pattern_first) client.subscribe_pattern("**");
    if (subscriber.beside && !subscriber.at_once)
      for (auto turns = below(4); turns > 0; --turns) any_shard().turn();
    client.subscribe(subscriber.topic, subscriber.replay);
    if (subscriber.beside && !pattern_first) client.subscribe_pattern("**");
    if (subscriber.at_once) client.open_when_ready();
  }

  /// Leaves its topic and subscribes to it at once, which "^NUMBER" among its messages tells.
  void subscribe_again(Subscriber& subscriber) {
    Client& client = *subscriber.client;
    if (subscriber.gone || subscriber.topic.empty() || client.outbox.opening()) return;
    TopicUse* use = client.uses;
    while (use->topic->is_pattern()) use = use->next;
    client.shard.hub.leave(client.uses, *use);
    read_receipts();
    const Order& order = orders_[subscriber.topic];
    const Replay replay = draw_replay(order);
    Memory& memory = client.shard.memory;
    Message* mark = memory.make_message(ws::Opcode::text,
                                        as_bytes('^' + std::to_string(subscriber.again.size())));
    client.outbox.push_admitted(memory, mark);
    memory.release(mark);
    subscriber.again.emplace_back(replay, order.empty() ? 0 : order.rbegin()->first);
    client.subscribe(subscriber.topic, replay);
  }

  Replay draw_replay(const Order& order) {
    switch (below(6)) {
      case 0:
        return {};
      case 1:
        return from_now();
      case 2:
        return last(below(200));
      default:
        if (order.empty()) return last(below(5));
        const std::size_t back = below(below(2) ? order.size() : std::min(order.size(), 8ul));
        return since(std::next(order.rbegin(), static_cast<std::ptrdiff_t>(back))->first);
    }
  }

  void read(Subscriber& subscriber, std::size_t most) {
    if (subscriber.gone) return;
    for (std::string& text : subscriber.client->heard(most))
      subscriber.heard.push_back(text.starts_with('~') ? text.substr(1) : std::move(text));
    subscriber.client->make_room();
  }

  void leave(Subscriber& subscriber) {
    if (subscriber.gone) return;
    read(subscriber, -1);
    subscriber.client->leave();
    subscriber.gone = true;
  }

  void finish(Subscriber& subscriber) {
    rig_.pass(seconds(0));
    if (subscriber.gone) return;
    do {
      read(subscriber, -1);
      rig_.settle();
    } while (!subscriber.client->outbox.empty() || subscriber.client->outbox.wants_room());
    REQUIRE(subscriber.client->ready());
    for (const TopicUse* use = subscriber.client->uses; use; use = use->next) REQUIRE(use->live);
  }

  void check(Subscriber& subscriber) {
    std::map<std::string, std::uint64_t> at;  // where it is, by topic
    bool begun = false;
    for (const std::string& text : subscriber.heard) {
      CAPTURE(text);
      if (text.starts_with('^')) {
        std::tie(subscriber.replay, subscriber.known) =
            subscriber.again[std::stoul(text.substr(1))];
        subscriber.at_once = begun = false;
        at.erase(subscriber.topic);
        continue;
      }
      if (text.starts_with('!')) {
        if (!subscriber.topic.empty()) {
          if (subscriber.at_once && !begun) REQUIRE(at.empty());
          check_told(subscriber, text, begun, at);
        }
        begun = true;
        continue;
      }
      const std::string topic = text.substr(0, text.find(':'));
      REQUIRE((subscriber.topic.empty() || subscriber.beside || topic == subscriber.topic));
      const Order& order = orders_[topic];
      const auto found = order.find(offsets_[std::stoul(text.substr(topic.size() + 1))]);
      REQUIRE(found != order.end());
      REQUIRE(found->second == text);
      const auto [last, first] = at.emplace(topic, found->first);
      if (!first) {
        REQUIRE(found->first > last->second);
        if (subscriber.exact && !topic.starts_with("paced"))
          REQUIRE(order.upper_bound(last->second) == found);
        last->second = found->first;
      }
    }
    if (subscriber.gone) return;
    // `at` is empty where nothing was published after it was ready; a queue with drops may end
    // early.
    for (const auto& [topic, offset] : at)
      if (subscriber.exact) REQUIRE(orders_[topic].upper_bound(offset) == orders_[topic].end());
  }

  /// "!OFFSET" or "!OFFSET gap", at the beginning or where something was lost.
  void check_told(const Subscriber& subscriber, const std::string& text, bool begun,
                  std::map<std::string, std::uint64_t>& at) {
    using From = Replay::From;
    const Replay& replay = subscriber.replay;
    if (replay.from == From::nothing) return;
    const std::uint64_t offset = std::stoull(text.substr(1));
    const bool gap = text.ends_with(" gap");
    const bool paced = subscriber.topic.starts_with("paced");  // one may wait, and is to come
    const bool keeps_all = ample_ && ((paced && !reloads_) || subscriber.topic.starts_with("all"));
    if (begun) {
      REQUIRE(gap);
      REQUIRE(offset > at[subscriber.topic]);
    } else if (replay.from == From::since) {
      if (!gap && !paced) REQUIRE(offset == replay.value);
      REQUIRE(offset >= replay.value);
    } else if (replay.from == From::last) {
      REQUIRE_FALSE(gap);
      REQUIRE(offset + replay.value + paced >= subscriber.known);
    } else {
      REQUIRE_FALSE(gap);
      REQUIRE(offset + paced >= subscriber.known);
    }
    if (keeps_all) REQUIRE_FALSE(gap);
    if (subscriber.exact || !subscriber.beside || subscriber.at_once) {
      at[subscriber.topic] = offset;
    } else if (const auto before = at.find(subscriber.topic); before != at.end()) {
      // What its pattern has brought may still wait for room, if no page brings it.
      before->second = std::min(before->second, offset);
    }
  }

  std::mt19937_64 random_;
  bool ample_;
  bool reloads_;
  std::deque<Policies> reloaded_;  // outlive the hubs, which may not have followed
  Rig rig_;
  Texts texts_;
  std::vector<std::uint64_t> offsets_;  // of the texts, where they are known
  std::map<std::string, Order> orders_;
  std::deque<Subscriber> subscribers_;
};

TEST_CASE("Hub: from where a subscriber begins it gets all there is, whatever the races") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(1500); ++seed) {
    CAPTURE(seed);
    Run(seed).run();
  }
}

}  // namespace
}  // namespace peal::hub::replay_model_test
