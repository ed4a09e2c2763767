// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "tests/sim/world.h"

namespace peal::sim {
namespace {

using ws::Opcode;

// One topic of many paths, each with another behaviour.
const std::string kTopicRoutes = R"(
[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.deaf]
path = "/deaf/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
include_sender = false

[route.impatient]
path = "/impatient/{room}"
type = "pubsub"
topics = ["chat/{room}"]
limits = { message_size = "4KiB", queue_size = "4KiB" }

[route.patient]
path = "/patient/{room}"
type = "pubsub"
topics = ["chat/{room}"]
limits = { message_size = "4KiB", queue_size = "4KiB", slow_client = "drop" }
)";

std::string routes(std::uint64_t seed) {
  return seed % 3 == 0 ? with_takeover(kTopicRoutes) : kTopicRoutes;
}

constexpr std::size_t kRooms = 3;

/// A client of a room, and what it must and must not get.
struct Member {
  Client* client;
  std::size_t number;
  std::size_t room;
  bool hears_itself = true;
  bool publishes = false;
  bool was_accepted = false;
  std::size_t from = 0;  ///< messages of the room that were sent before its 101 was seen
};

/// Rooms whose first member hears all there is to hear: its order is the order.
class Chat {
 public:
  explicit Chat(World& world) : world_(world) {
    for (std::size_t room = 0; room < kRooms; ++room) join("/chat/", room).publishes = true;
    world.settle();
    look();
  }

  Member& join(const std::string& kind, std::size_t room) {
    Member& member = members.emplace_back();
    member.client = &world_.connect(kind + std::to_string(room), world_.draw_offer());
    member.number = members.size() - 1;
    member.room = room;
    member.hears_itself = kind != "/deaf/";
    member.publishes = kind == "/chat/" || kind == "/deaf/";
    return member;
  }

  /// Notes who has been let in by now.
  void look() {
    for (Member& member : members) {
      if (member.was_accepted || !member.client->peer.accepted()) continue;
      member.was_accepted = true;
      member.from = sent_[member.room].size();
    }
  }

  void publish(Member& member, std::size_t size) {
    if (!member.publishes || member.client->killed || member.client->ends) return;
    std::vector<std::string>& sent = sent_[member.room];
    std::string text = std::to_string(member.number) + ":" + std::to_string(sent.size()) + ":";
    for (std::size_t i = text.size(); i < size; ++i)
      text += static_cast<char>('a' + (i + sent.size()) * i / 7 % 26);
    test::WsPeer& peer = member.client->peer;
    member.client->unsent += peer.agreement().on && world_.one_in(2)
                                 ? peer.frame(Opcode::text, peer.deflate(text), true, true)
                                 : peer.text(text);
    sent.push_back(std::move(text));
  }

  /// The first member of each room: the one order, each message once, nothing lost.
  void check_order() {
    for (std::size_t room = 0; room < kRooms; ++room) {
      std::map<std::string, std::size_t> position;
      for (const auto& message : heard(members[room])) {
        CHECK(position.emplace(message.payload, position.size()).second);
      }
      std::map<std::string, std::size_t> last_of;  // publisher to position
      for (const std::string& text : sent_[room]) {
        const std::string publisher = text.substr(0, text.find(':'));
        const auto found = position.find(text);
        if (found == position.end()) {
          CHECK(members[std::stoul(publisher)].client->killed);
          continue;
        }
        const auto [last, first] = last_of.emplace(publisher, found->second);
        CHECK((first || last->second < found->second));
        last->second = found->second;
      }
      positions_[room] = std::move(position);
    }
  }

  /// What others got: a run of the same order, from their 101 on, but for their own messages.
  void check_run(const Member& member, bool to_the_end) {
    std::vector<std::string> order(positions_[member.room].size());
    for (const auto& [text, position] : positions_[member.room]) order[position] = text;
    const std::string own = std::to_string(member.number) + ":";
    if (!member.hears_itself)
      std::erase_if(order, [&](const std::string& text) { return text.starts_with(own); });
    const auto& got = heard(member);
    CHECK(member.client->peer.error == "");
    if (got.empty()) {
      if (to_the_end) CHECK(must_hear(member, order) == 0);
      return;
    }
    const auto first = std::ranges::find(order, got.front().payload);
    REQUIRE(first != order.end());
    REQUIRE(got.size() <= static_cast<std::size_t>(order.end() - first));
    CHECK(
        std::equal(got.begin(), got.end(), first, [](const auto& message, const std::string& text) {
          return message.payload == text && message.opcode == Opcode::text;
        }));
    if (!to_the_end) return;
    CHECK(got.size() == static_cast<std::size_t>(order.end() - first));
    CHECK(got.size() >= must_hear(member, order));
  }

  /// Whole messages in the same order, with gaps.
  void check_subsequence(const Member& member) {
    CHECK(member.client->peer.error == "");
    std::size_t next = 0;
    for (const auto& message : heard(member)) {
      const auto found = positions_[member.room].find(message.payload);
      REQUIRE(found != positions_[member.room].end());
      CHECK(found->second >= next);
      next = found->second + 1;
    }
  }

  static const std::vector<test::WsPeer::Message>& heard(const Member& member) {
    return member.client->peer.messages;
  }

  std::deque<Member> members;

 private:
  /// How many of `order` were sent after the member had been let in.
  std::size_t must_hear(const Member& member, const std::vector<std::string>& order) {
    if (!member.was_accepted) return 0;
    const auto& sent = sent_[member.room];
    const auto later = sent.begin() + static_cast<std::ptrdiff_t>(member.from);
    return static_cast<std::size_t>(std::count_if(later, sent.end(), [&](const std::string& text) {
      return std::ranges::find(order, text) != order.end();
    }));
  }

  World& world_;
  std::array<std::vector<std::string>, kRooms> sent_;
  std::array<std::map<std::string, std::size_t>, kRooms> positions_;
};

TEST_CASE("World: all members of a room hear all messages in one order, from their 101 on") {
  for_seeds(1000, [](std::uint64_t seed) {
    World world(seed, routes(seed));
    Chat chat(world);
    for (auto steps = 50 + world.below(400); steps > 0; --steps) {
      world.step();
      chat.look();
      if (world.one_in(10) && chat.members.size() < 20)
        chat.join(world.one_in(2) ? "/chat/" : "/deaf/", world.below(kRooms));
      Member& member = chat.members[world.below(chat.members.size())];
      if (world.one_in(3)) chat.publish(member, world.below(world.one_in(10) ? 30'000 : 300));
      if (world.one_in(40) && member.number >= kRooms) {
        if (world.one_in(2))
          world.kill(*member.client);
        else
          member.client->ends = true;
      }
    }
    world.settle();
    chat.check_order();
    for (const Member& member : chat.members)
      chat.check_run(member, !member.client->killed && !member.client->ends);
    world.finish();
  });
}

TEST_CASE("World: a shard that sleeps makes publishers wait and loses nothing") {
  bool made_wait = false;
  for_seeds(30, [&](std::uint64_t seed) {
    World world(seed, routes(seed));
    Chat chat(world);
    for (std::size_t i = 0; i < 9; ++i) chat.join(i % 2 ? "/chat/" : "/deaf/", i % kRooms);
    world.settle();
    chat.look();
    const std::size_t sleeping = world.below(world.shards());
    for (std::size_t i = 0; i < 6000; ++i)
      chat.publish(chat.members[world.below(chat.members.size())], world.below(40));
    for (int steps = 0; steps < 2000; ++steps) {
      world.step_without(sleeping);
      made_wait = made_wait || world.congested();
    }
    world.settle();
    chat.check_order();
    for (const Member& member : chat.members) chat.check_run(member, true);
    world.finish();
  });
  CHECK(made_wait);
}

TEST_CASE("World: when more is published than can be delivered, each shard has its turn") {
  for_seeds(20, [](std::uint64_t seed) {
    World world(seed, kTopicRoutes);
    const Client& hearer = world.connect("/chat/0");
    for (std::size_t i = 0; i < 5 * world.shards(); ++i) world.connect("/patient/0").reads = false;
    std::vector<Client*> publishers;
    for (std::size_t i = 0; i < 5 * world.shards(); ++i)
      publishers.push_back(&world.connect("/deaf/0"));
    world.settle();
    std::vector<bool> publishes(world.shards());
    for (Client* publisher : publishers) {
      publishes[publisher->shard] = true;
      const std::string text = publisher->peer.text(std::to_string(publisher->shard));
      for (int i = 0; i < 1500; ++i) publisher->unsent += text;
    }
    for (int steps = 0; steps < 5000; ++steps) world.step();
    const std::size_t before = hearer.peer.messages.size();
    for (int steps = 0; steps < 2000; ++steps) world.step();
    std::vector<bool> heard(world.shards());
    for (std::size_t i = before; i < hearer.peer.messages.size(); ++i)
      heard[std::stoul(hearer.peer.messages[i].payload)] = true;
    CHECK(heard == publishes);
    for (Client* publisher : publishers) publisher->unsent.clear();
    world.finish();
  });
}

TEST_CASE("World: slow clients are closed with 1008 or miss whole messages, others miss none") {
  for_seeds(1000, [](std::uint64_t seed) {
    World world(seed, routes(seed));
    Chat chat(world);
    std::vector<Member*> slow;
    for (std::size_t i = 0; i < 6; ++i) {
      slow.push_back(&chat.join(i % 2 ? "/impatient/" : "/patient/", world.below(kRooms)));
      slow.back()->client->socket.window = 1 + world.below(6000);
      if (world.one_in(2)) world.settle();
    }
    for (auto steps = 100 + world.below(200); steps > 0; --steps) {
      world.step();
      chat.look();
      for (Member* member : slow)
        if (world.one_in(10)) member->client->reads = !member->client->reads;
      chat.publish(chat.members[world.below(kRooms)], world.below(2000));
    }
    for (Member* member : slow) member->client->reads = true;
    world.settle();
    chat.check_order();
    for (std::size_t room = 0; room < kRooms; ++room) chat.check_run(chat.members[room], true);
    for (const Member* member : slow) {
      chat.check_subsequence(*member);
      CHECK(member->client->peer.accepted());
      const auto code = member->client->peer.close_code;
      CHECK((!code || code == 1008));
      if (member->number % 2 == kRooms % 2) CHECK_FALSE(code);  // patient
      if (!code && member->number % 2 != kRooms % 2) chat.check_run(*member, true);
    }
    world.finish();
  });
}

}  // namespace
}  // namespace peal::sim
