// SPDX-License-Identifier: Apache-2.0
// Hubs of several shards in one thread, and clients that are outboxes only.
#pragma once

#include <doctest/doctest.h>

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

constexpr std::size_t kHistoryMemory = 1 << 20;  // bytes, a shard

/// What a shard needs for a hub, and nothing else.
struct Shard final : HubClient {
  Shard(Mesh& mesh, ShardIndex index, const TopicPolicies& policies, const Instant& now)
      : memory(index, buffers, 1 << 20),
        hub({.memory = &memory,
             .mesh = &mesh,
             .self = index,
             .client = this,
             .due = &due,
             .policies = &policies,
             .now = &now,
             .history_memory = kHistoryMemory}) {}

  void on_topic_ready(TopicUse& use) override { became_ready.push_back(&use); }
  void on_gap(TopicUse& use) override { gaps.push_back(&use); }
  void on_event(TopicUse&) override {}
  void on_posted(Ticket ticket, MessageId id, std::uint32_t subscribers) override {
    posted.push_back({ticket, id, subscribers});
  }

  void turn() {
    hub.take_mail();
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
  std::vector<TopicUse*> became_ready;
  std::vector<TopicUse*> gaps;
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

  /// Takes what was delivered; of what is compressed, "~" and what it inflates to.
  Texts heard() {
    Texts texts;
    while (const Segment* first = outbox.first()) {
      texts.push_back(text_of({first->data, first->size}));
      outbox.sent(shard.memory, first->size);
    }
    return texts;
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
  explicit Rig(ShardIndex count, Policies its_policies = {})
      : policies(std::move(its_policies)), mesh(count) {
    for (ShardIndex i = 0; i < count; ++i)
      shards.push_back(std::make_unique<Shard>(mesh, i, policies, now));
  }
  ~Rig() {
    for (Client& client : clients) client.leave();
    for (const auto& shard : shards) shard->hub.clear_histories();
    settle();
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
        more = more || shard->hub.has_mail() || shard->hub.congested();
        shard->turn();
      }
    }
  }

  /// A topic whose home is that shard.
  std::string topic_at(std::size_t home) {
    for (int i = 0;; ++i) {
      std::string name = "topic " + std::to_string(i);
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
