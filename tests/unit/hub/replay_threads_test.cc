// SPDX-License-Identifier: Apache-2.0
// Hubs on threads of their own, where subscribers go away and come back for what they have missed
// while others publish.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <memory>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "core/hub/hub.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::replay_threads_test {
namespace {

constexpr ShardIndex kShards = 3;
constexpr std::size_t kTopics = 4;
constexpr int kMessages = 1000;  // of each shard to each topic
constexpr std::uint64_t kAll = std::uint64_t{kShards} * kMessages;

std::string topic_name(std::size_t topic) {
  return "kept " + std::to_string(topic);
}

/// A shard that publishes to every topic and has a restless reader of each.
class Worker final : public HubClient {
 public:
  Worker(Mesh& mesh, ShardIndex index, std::vector<std::unique_ptr<Worker>>& all,
         std::atomic<int>& unfinished)
      : all_(all),
        unfinished_(unfinished),
        random_(index),
        memory_(index, buffers_, 1 << 20),
        hub_({.memory = &memory_,
              .mesh = &mesh,
              .self = index,
              .client = this,
              .due = &due_,
              .policies = &policies_,
              .now = &now_,
              .history_memory = 1 << 30,
              .pushes_at_once = index % 2 ? 256u : 0u}) {}

  void on_topic_ready(TopicUse& use) override { gaps += use.gap; }
  void on_gap(TopicUse&) override { ++gaps; }
  void on_event(TopicUse&) override {}
  void on_posted(Ticket, MessageId, std::uint32_t) override {}

  void run() {
    for (std::size_t topic = 0; topic < kTopics; ++topic) {
      readers_.push_back(std::make_unique<Reader>(topic));
      readers_.back()->outbox.set_encoding(Encoding::json_frames);
      readers_.back()->outbox.set_deflate({.on = topic % 2 == 1});
      come(*readers_.back());
    }
    for (int i = 0; i < kMessages; ++i) {
      for (std::size_t topic = 0; topic < kTopics; ++topic)
        hub_.post(topic_name(topic), memory_.make_message(ws::Opcode::text, as_bytes("x")), {});
      do turn();
      while (hub_.congested());
      Reader& reader = *readers_[random_() % kTopics];
      if (i % 10 != 0) continue;
      hub_.leave(reader.uses);
      reader.outbox.clear(memory_);
      come(reader);
    }
    turn_until([this] { return all_read(); });
    for (auto& reader : readers_) hub_.leave(reader->uses);
    --unfinished_;
    for (const auto& worker : all_) worker->bell_.release();
    turn_until([this] { return unfinished_.load() == 0; });
  }

  void settle() { hub_.settle(); }
  bool settled() const { return hub_.settled(); }
  bool is_clean() { return memory_.messages.out() == 0 && memory_.blocks.bytes_out() == 0; }

  std::uint64_t gaps = 0;
  std::uint64_t misplaced = 0;  // messages that were not the next one

 private:
  struct Reader {
    explicit Reader(std::size_t number)
        : topic(number), outbox({static_cast<std::uint32_t>(number), 0}) {}
    std::size_t topic;
    Outbox outbox;
    OutboxPolicy policy;
    TopicUse* uses = nullptr;
    std::uint64_t offset = 0;  // of the newest message it has read
  };

  void come(Reader& reader) {
    hub_.subscribe(reader.uses, topic_name(reader.topic), reader.outbox, reader.policy,
                   test::since(reader.offset));
  }

  void read(Reader& reader) {
    while (const Segment* first = reader.outbox.first()) {
      const std::string text = test::plain_text({first->data, first->size});
      const char* digits = text.data() + text.find('-') + 1;
      std::uint64_t offset = 0;
      std::from_chars(digits, text.data() + text.size(), offset);
      misplaced += offset != ++reader.offset;
      reader.outbox.sent(memory_, first->size);
    }
    if (reader.outbox.wants_room()) hub_.on_room(reader.uses);
  }

  void turn() {
    hub_.take_mail();
    hub_.go_on_delivering(2);
    while (due_.pop_delivery()) {
    }
    for (auto& reader : readers_)
      if (random_() % 2) read(*reader);
    hub_.flush([this](ShardIndex shard) { all_[shard]->bell_.release(); });
  }

  template <class Done>
  void turn_until(Done&& done) {
    for (turn(); !done(); turn())
      if (!hub_.congested() && !hub_.works() && !hub_.has_mail() && nothing_to_read())
        bell_.acquire();
  }

  bool nothing_to_read() const {
    for (const auto& reader : readers_)
      if (!reader->outbox.empty() || reader->outbox.wants_room()) return false;
    return true;
  }
  bool all_read() const {
    for (const auto& reader : readers_)
      if (reader->offset < kAll) return false;
    return true;
  }

  std::vector<std::unique_ptr<Worker>>& all_;
  std::atomic<int>& unfinished_;
  std::mt19937_64 random_;
  std::counting_semaphore<> bell_{0};
  io::BufferPool buffers_;
  Memory memory_;
  DueList due_;
  test::Policies policies_ = test::keeping(kAll);
  Instant now_{};
  Hub hub_;
  std::vector<std::unique_ptr<Reader>> readers_;
};

TEST_CASE("Hub: three threads, who goes and comes back hears every message once, in order") {
  Mesh mesh(kShards);
  std::atomic<int> unfinished{kShards};
  std::vector<std::unique_ptr<Worker>> workers;
  for (ShardIndex i = 0; i < kShards; ++i)
    workers.push_back(std::make_unique<Worker>(mesh, i, workers, unfinished));
  {
    std::vector<std::jthread> threads;
    for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  }
  while (!std::ranges::all_of(workers, [](const auto& worker) { return worker->settled(); }))
    for (const auto& worker : workers) worker->settle();
  for (const auto& worker : workers) {
    CHECK(worker->gaps == 0);
    CHECK(worker->misplaced == 0);
    CHECK(worker->is_clean());
  }
}

}  // namespace
}  // namespace peal::hub::replay_threads_test
