// SPDX-License-Identifier: Apache-2.0
// Hubs of several shards in one thread, and clients that are outboxes only.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/hub/hub.h"
#include "core/ws/frame_header.h"
#include "core/ws/message_reader.h"

namespace peal::hub::test {

using Texts = std::vector<std::string>;

/// One policy for the topics that begin with its name, the first that fits; else none.
class Policies final : public TopicPolicies {
 public:
  const TopicPolicy& of(std::string_view topic) const override {
    for (const auto& [prefix, policy] : by_prefix)
      if (topic.starts_with(prefix)) return policy;
    return none_;
  }
  std::size_t count() const override { return by_prefix.size() + 1; }

  void add(std::string prefix, TopicPolicy policy) {
    policy.index = static_cast<std::uint32_t>(count());
    by_prefix.emplace_back(std::move(prefix), policy);
  }

  std::deque<std::pair<std::string, TopicPolicy>> by_prefix;

 private:
  TopicPolicy none_;
};

inline Replay last(std::uint64_t count) {
  return {.from = Replay::From::last, .value = count};
}
inline Replay since(std::uint64_t offset) {
  return {.from = Replay::From::since, .epoch = process_epoch(), .value = offset};
}
inline Replay from_now() {
  return {.from = Replay::From::now};
}

/// Topics that begin with "kept" keep so many messages.
inline Policies keeping(std::size_t size, Duration age = {}) {
  Policies policies;
  policies.add("kept", {.history_size = size, .history_age = age});
  return policies;
}

/// The numbers from `first` to `last`.
inline Texts numbers(std::uint64_t first, std::uint64_t last) {
  Texts texts;
  for (std::uint64_t i = first; i <= last; ++i) texts.push_back(std::to_string(i));
  return texts;
}

constexpr std::size_t kHistoryMemory = 1 << 20;  // bytes, a shard
constexpr std::size_t kPushesPerTurn = 2;        // of what is delivered in parts

/// See Hub::Setup. The tests run twice: with a number so large that each delivery is at once, and
/// with one that puts off most of them.
inline std::size_t pushes_at_once() {
  const char* number = std::getenv("PEAL_PUSHES_AT_ONCE");
  return number ? std::strtoul(number, nullptr, 10) : 256;
}

/// What a shard needs for a hub, and nothing else.
struct Shard final : HubClient {
  Shard(Mesh& mesh, ShardIndex index, const TopicPolicies& policies, const Instant& now,
        std::size_t history_memory)
      : memory(index, buffers, 1 << 20),
        hub({.memory = &memory,
             .mesh = &mesh,
             .self = index,
             .client = this,
             .due = &due,
             .policies = &policies,
             .now = &now,
             .history_memory = history_memory,
             .pushes_at_once = pushes_at_once()}) {}

  void on_topic_ready(TopicUse& use) override {
    became_ready.push_back(&use);
    if (tells) tell(use);
    open_ready();
  }
  /// What the owner of connections does when all topics of one are ready.
  void open_ready() {
    std::erase_if(opening, [](const auto& each) {
      for (const TopicUse* use = *each.second; use; use = use->next)
        if (!use->ready) return false;
      each.first->set_opened();
      return true;
    });
  }
  void on_gap(TopicUse& use) override {
    gaps.push_back(&use);
    if (tells) tell(use);
  }
  /// Tells the client where it is in a topic, among its messages, as "!OFFSET", or "!OFFSET gap".
  void tell(TopicUse& use) {
    if (use.topic->is_pattern()) return;
    const std::string text = '!' + std::to_string(use.offset) + (use.gap ? " gap" : "");
    Message* message = memory.make_message(ws::Opcode::text, as_bytes(text));
    use.outbox->push_admitted(memory, message);
    memory.release(message);
  }
  /// Stands for the id that an owner of several topics writes, or for an answer that is full.
  void on_event(TopicUse& use) override {
    if (events_to_come-- == 0) use.outbox->shut();
    Block* block = memory.blocks.take(1);
    *block->data() = std::byte{'#'};
    use.outbox->push_block(memory, block, {block->data(), 1});
  }
  void on_posted(Ticket ticket, MessageId id, std::uint32_t subscribers) override {
    posted.push_back({ticket, id, subscribers});
  }

  void turn() {
    hub.take_mail();
    hub.go_on_delivering(kPushesPerTurn);
    while (due.pop_delivery()) {
    }
    hub.flush([](ShardIndex) {});
  }

  bool all_given_back() {
    return hub.topics() == 0 && memory.messages.out() == 0 && memory.segments.out() == 0 &&
           memory.blocks.bytes_out() == 0;
  }

  io::BufferPool buffers;
  Memory memory;
  DueList due;
  Hub hub;
  bool tells = false;               // see tell(); only for clients that want frames
  std::size_t events_to_come = -1;  // before an outbox is shut
  std::vector<TopicUse*> became_ready;
  std::vector<TopicUse*> gaps;
  std::vector<std::pair<Outbox*, TopicUse* const*>> opening;  // and their uses
  struct Posted {
    Ticket ticket;
    MessageId id;
    std::uint32_t subscribers;
  };
  std::vector<Posted> posted;
};

/// What a server's frame says; "~" in front when it is compressed.
inline std::string text_of(Bytes frame) {
  const ws::FrameHeader header = ws::decode_header(frame, ws::Role::client, true);
  Bytes payload = frame.subspan(header.size);
  if (!header.compressed) return std::string(as_text(payload));
  ws::Inflater inflater;
  std::string text(100'000, '~');
  auto room = std::as_writable_bytes(std::span(text)).subspan(1);
  for (Bytes input : {payload, Bytes{}}) {
    if (input.empty()) input = inflater.tail();
    room = room.subspan(inflater.inflate(input, room).size);
  }
  CHECK(inflater.end_message());
  text.resize(text.size() - room.size());
  return text;
}

/// The same without the mark.
inline std::string plain_text(Bytes frame) {
  const std::string text = text_of(frame);
  return text.starts_with('~') ? text.substr(1) : text;
}

/// A connection, as far as the hub knows one.
struct Client {
  Client(Shard& its_shard, std::uint32_t number) : shard(its_shard), outbox({number, 0}) {}

  TopicUse& subscribe(std::string_view topic) {
    return shard.hub.subscribe(uses, topic, outbox, policy);
  }
  TopicUse& subscribe(std::string_view topic, const Replay& replay) {
    return shard.hub.subscribe(uses, topic, outbox, policy, replay);
  }
  TopicUse& subscribe_pattern(std::string_view pattern) {
    return shard.hub.subscribe_pattern(uses, pattern, outbox, policy);
  }
  /// To be followed by subscriptions, which count as one request, and open_when_ready().
  void begin() { outbox.renew(); }
  void open_when_ready() {
    shard.opening.emplace_back(&outbox, &uses);
    shard.open_ready();
  }
  TopicUse& open(std::string_view topic) { return shard.hub.open(uses, topic, outbox); }
  void leave() {
    shard.hub.leave(uses);
    outbox.clear(shard.memory);
  }

  void publish(std::string_view text, bool to_itself = true) {
    Message* message = shard.memory.make_message(ws::Opcode::text, as_bytes(text));
    Sender sender;
    if (!to_itself) sender = {.shard = shard.hub.self(), .outbox = outbox.id()};
    shard.hub.publish(*uses, message, sender);
  }

  /// Takes what was delivered, the first `most` pieces of it; of what is compressed, "~" and what
  /// it inflates to.
  Texts heard(std::size_t most = -1) {
    Texts texts;
    for (const Segment* first = outbox.first(); first && most > 0; first = outbox.first(), --most) {
      texts.push_back(text_of({first->data, first->size}));
      outbox.sent(shard.memory, first->size);
    }
    return texts;
  }

  /// What the owner of a connection does when a part of the queue is gone.
  void make_room() {
    if (outbox.wants_room() && outbox.cost() <= policy.queue_size / 2) shard.hub.on_room(uses);
  }

  bool ready() const {
    for (const TopicUse* use = uses; use; use = use->next)
      if (!use->ready) return false;
    return uses != nullptr;
  }

  Shard& shard;
  Outbox outbox;
  OutboxPolicy policy;
  TopicUse* uses = nullptr;
};

struct Rig {
  explicit Rig(ShardIndex count, Policies its_policies = {},
               std::size_t history_memory = kHistoryMemory)
      : policies(std::move(its_policies)), mesh(count) {
    for (ShardIndex i = 0; i < count; ++i)
      shards.push_back(std::make_unique<Shard>(mesh, i, policies, now, history_memory));
  }
  ~Rig() {
    for (Client& client : clients) client.leave();
    end();
    for (const auto& shard : shards) CHECK(shard->all_given_back());
  }

  Client& client(std::size_t shard) {
    return clients.emplace_back(*shards[shard], static_cast<std::uint32_t>(clients.size()));
  }

  void settle() {
    bool more = true;
    while (more) {
      more = false;
      for (const auto& shard : shards) {
        more = more || shard->hub.has_mail() || shard->hub.congested() || shard->hub.works();
        shard->turn();
      }
    }
  }

  /// What is done when the shards' threads are no more.
  void end() {
    const auto settled = [](const auto& shard) { return shard->hub.settled(); };
    while (!std::ranges::all_of(shards, settled))
      for (const auto& shard : shards) shard->hub.settle();
  }

  /// Settles, and takes what comes for a client until no more does.
  Texts hear(Client& client) {
    Texts all;
    while (true) {
      settle();
      const Texts texts = client.heard();
      if (texts.empty() && !client.outbox.wants_room()) return all;
      all.insert(all.end(), texts.begin(), texts.end());
      client.make_room();
    }
  }

  /// Lets time go by, and every hub do what is due by then.
  void pass(Duration duration) {
    now += duration;
    for (const auto& shard : shards)
      if (const auto due = shard->hub.next_due(); due && *due <= now) shard->hub.on_due();
    settle();
  }

  /// Publishes as who is no subscriber; returns the id.
  MessageId post(std::size_t shard, std::string_view topic, std::string_view text) {
    Shard& from = *shards[shard];
    const std::size_t before = from.posted.size();
    from.hub.post(topic, from.memory.make_message(ws::Opcode::text, as_bytes(text)), {});
    settle();
    REQUIRE(from.posted.size() == before + 1);
    return from.posted.back().id;
  }

  /// A topic whose home is that shard.
  std::string topic_at(std::size_t home, const std::string& prefix = "topic ") {
    for (int i = 0;; ++i) {
      std::string name = prefix + std::to_string(i);
      if (KeyedTextHash{}(name) % shards.size() == home) return name;
    }
  }

  /// How many messages were compressed, on all shards.
  std::uint64_t compressions() const {
    std::uint64_t count = 0;
    for (const auto& shard : shards) count += shard->memory.compressor.compressions();
    return count;
  }

  Policies policies;
  Instant now{std::chrono::hours(1)};
  Mesh mesh;
  std::vector<std::unique_ptr<Shard>> shards;
  std::deque<Client> clients;
};

}  // namespace peal::hub::test
