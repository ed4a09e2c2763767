// SPDX-License-Identifier: Apache-2.0
// What a publication costs beside many other topics, histories and wildcard subscriptions, and what
// topics and kept messages take of memory. The hub alone, in this process, on one shard.
#include <malloc.h>

#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "core/hub/hub.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr std::size_t kHistory = 100;  // messages
constexpr std::size_t kSize = 64;      // bytes of each
constexpr std::size_t kPosts = 200'000;

class Policies final : public hub::TopicPolicies {
 public:
  explicit Policies(std::size_t history) { policy_.history_size = history; }
  const hub::TopicPolicy& of(std::string_view) const override { return policy_; }
  std::size_t count() const override { return 1; }

 private:
  hub::TopicPolicy policy_;
};

class Nobody final : public hub::HubClient {
  void on_topic_ready(hub::TopicUse&) override {}
  void on_gap(hub::TopicUse&) override {}
  void on_event(hub::TopicUse&) override {}
  void on_posted(hub::Ticket, hub::MessageId, std::uint32_t) override {}
};

struct Subscriber {
  explicit Subscriber(std::uint32_t number) : outbox({number, 0}) {}
  hub::Outbox outbox;
  hub::TopicUse* uses = nullptr;
};

struct World {
  explicit World(std::size_t history) : policies(history) {}
  ~World() {
    for (Subscriber& each : subscribers) {
      hub.leave(each.uses);
      each.outbox.clear(memory);
    }
    while (!hub.settled()) hub.settle();
  }

  Subscriber& subscriber() {
    return subscribers.emplace_back(static_cast<std::uint32_t>(subscribers.size()));
  }

  void post(const std::string& topic) {
    hub.post(topic, memory.make_message(ws::Opcode::text, as_bytes(payload)), {});
    while (hub::Outbox* outbox = due.pop_delivery()) outbox->clear(memory);
  }

  io::BufferPool buffers;
  hub::Memory memory{0, buffers, 16 << 20};
  hub::Mesh mesh{1};
  hub::DueList due;
  Policies policies;
  Nobody nobody;
  Instant now{};
  hub::OutboxPolicy policy;
  std::deque<Subscriber> subscribers;
  hub::Hub hub{{.memory = &memory,
                .mesh = &mesh,
                .client = &nobody,
                .due = &due,
                .policies = &policies,
                .now = &now,
                .history_memory = std::size_t{16} << 30}};
  const std::string payload = std::string(kSize, 'x');
};

std::size_t allocated() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::string topic_name(std::size_t number) {
  return "prices/" + std::to_string(number);
}

/// Nanoseconds a publication, over topics in an order that no cache foresees.
double measure(World& world, std::size_t topics) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < topics; ++i) names.push_back(topic_name(i));
  const Instant before = Clock::now();
  for (std::size_t i = 0; i < kPosts; ++i) world.post(names[i * 7919 % topics]);
  return to_us(Clock::now() - before) * 1000 / kPosts;
}

void many_topics(std::size_t topics) {
  World world(kHistory);
  const std::size_t at_first = allocated();
  for (std::size_t i = 0; i < topics; ++i) {
    Subscriber& each = world.subscriber();
    world.hub.subscribe(each.uses, topic_name(i), each.outbox, world.policy);
  }
  const std::size_t subscribed = allocated();
  for (std::size_t round = 0; round < kHistory; ++round)
    for (std::size_t i = 0; i < topics; ++i) world.post(topic_name(i));
  const std::size_t filled = allocated();
  const double count = static_cast<double>(topics);
  std::printf("  %10zu %16.0f %16.0f %16.0f\n", topics, measure(world, topics),
              static_cast<double>(subscribed - at_first) / count,
              static_cast<double>(filled - subscribed) / count / kHistory);
}

void many_patterns(std::size_t patterns) {
  World world(0);
  for (std::size_t i = 0; i < patterns; ++i) {
    Subscriber& each = world.subscriber();
    world.hub.subscribe_pattern(each.uses, "other/" + std::to_string(i) + "/**", each.outbox,
                                world.policy);
  }
  Subscriber& listener = world.subscriber();
  world.hub.subscribe(listener.uses, topic_name(0), listener.outbox, world.policy);
  Subscriber& all = world.subscriber();
  world.hub.subscribe_pattern(all.uses, "prices/**", all.outbox, world.policy);
  std::printf("  %10zu %16.0f\n", patterns, measure(world, 1));
}

}  // namespace

int main() {
  pin_to_cpu(kClientCpu);
  std::printf("Topics with one subscriber and %zu messages of %zu bytes each\n", kHistory, kSize);
  std::printf("  %10s %16s %16s %16s\n", "topics", "ns/publication", "bytes/topic",
              "bytes/message");
  for (const std::size_t topics : {1, 1'000, 100'000}) many_topics(topics);
  std::printf("\nOne topic with two subscribers, one by a pattern, beside unrelated patterns\n");
  std::printf("  %10s %16s\n", "patterns", "ns/publication");
  for (const std::size_t patterns : {1, 1'000, 100'000}) many_patterns(patterns);
  return 0;
}
