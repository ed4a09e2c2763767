// SPDX-License-Identifier: Apache-2.0
// Hubs on threads of their own: for ThreadSanitizer, and for what only real races show.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "core/hub/hub.h"
#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::hub_threads_test {
namespace {

constexpr ShardIndex kShards = 3;
constexpr int kTopics = 4;
constexpr int kMessages = 3000;  // of each shard to each topic
constexpr std::size_t kAll = std::size_t{kShards} * kMessages;

std::string topic_name(int topic) {
  return "topic " + std::to_string(topic);
}

/// A shard that subscribes to every topic, publishes to each, and sleeps when it has nothing to do.
class Worker final : public HubClient {
 public:
  Worker(Mesh& mesh, ShardIndex index, std::vector<std::unique_ptr<Worker>>& all,
         std::atomic<int>& unfinished)
      : index_(index),
        all_(all),
        unfinished_(unfinished),
        memory_(index, buffers_, 1 << 20),
        hub_({.memory = &memory_,
              .mesh = &mesh,
              .self = index,
              .client = this,
              .due = &due_,
              .policies = &policies_,
              .now = &now_,
              .pushes_at_once = index % 2 ? 256u : 0u}) {}

  void on_topic_ready(TopicUse&) override {}
  void on_gap(TopicUse&) override {}
  void on_event(TopicUse&) override {}
  void on_posted(Ticket, MessageId, std::uint32_t) override {}

  void run() {
    for (int topic = 0; topic < kTopics; ++topic) {
      clients_.push_back(std::make_unique<Client>(static_cast<std::uint32_t>(topic)));
      Client& client = *clients_.back();
      // Of some topics all want the compressed form, of some none, of some here and there one.
      client.outbox.set_deflate({.on = topic == 1 || (topic > 1 && index_ == topic % kShards)});
      hub_.subscribe(client.uses, topic_name(topic), client.outbox, client.policy);
    }
    // Everybody is let in before anybody publishes, so that all must hear all.
    turn_until([this] { return all_ready(); });
    ready_.store(true);
    for (const auto& worker : all_) worker->wake();
    turn_until([this] { return everybody_ready(); });
    for (int i = 0; i < kMessages; ++i) {
      for (auto& client : clients_) publish(*client, i);
      turn();
    }
    turn_until([this] { return heard_all(); });
    for (auto& client : clients_) hub_.leave(client->uses);
    --unfinished_;
    for (const auto& worker : all_) worker->wake();
    turn_until([this] { return unfinished_.load() == 0; });
  }

  void wake() { bell_.release(); }
  bool settle() {
    const bool any = hub_.has_mail();
    turn();
    return any;
  }
  bool is_clean() { return memory_.messages.out() == 0 && memory_.blocks.bytes_out() == 0; }
  const std::vector<std::string>& heard(int topic) {
    return clients_[static_cast<std::size_t>(topic)]->heard;
  }

 private:
  struct Client {
    explicit Client(std::uint32_t number) : outbox({number, 0}) {}
    Outbox outbox;
    OutboxPolicy policy;
    TopicUse* uses = nullptr;
    std::vector<std::string> heard;
  };

  void publish(Client& client, int number) {
    const std::string text = std::to_string(index_) + ":" + std::to_string(number) +
                             std::string(number % 3 ? 0 : 80, '.');
    hub_.publish(*client.uses, memory_.make_message(ws::Opcode::text, as_bytes(text)));
    while (hub_.congested()) turn();
  }

  void turn() {
    hub_.take_mail();
    hub_.go_on_delivering(2);
    while (due_.pop_delivery()) {
    }
    for (auto& client : clients_) {
      while (const Segment* first = client->outbox.first()) {
        client->heard.push_back(test::plain_text({first->data, first->size}));
        client->outbox.sent(memory_, first->size);
      }
    }
    hub_.flush([this](ShardIndex shard) { all_[shard]->wake(); });
  }

  template <class Done>
  void turn_until(Done&& done) {
    for (turn(); !done(); turn())
      if (!hub_.congested() && !hub_.works()) bell_.acquire();
  }

  bool all_ready() const {
    for (const auto& client : clients_)
      if (!client->uses->ready) return false;
    return true;
  }
  bool everybody_ready() const {
    for (const auto& worker : all_)
      if (!worker->ready_.load()) return false;
    return true;
  }
  bool heard_all() const {
    for (const auto& client : clients_)
      if (client->heard.size() < kAll) return false;
    return true;
  }

  ShardIndex index_;
  std::vector<std::unique_ptr<Worker>>& all_;
  std::atomic<int>& unfinished_;
  std::counting_semaphore<> bell_{0};
  std::atomic<bool> ready_{false};
  io::BufferPool buffers_;
  Memory memory_;
  DueList due_;
  test::Policies policies_;
  Instant now_{};
  Hub hub_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_CASE("Hub: three threads, every subscriber hears the same order of everything") {
  Mesh mesh(kShards);
  std::atomic<int> unfinished{kShards};
  std::vector<std::unique_ptr<Worker>> workers;
  for (ShardIndex i = 0; i < kShards; ++i)
    workers.push_back(std::make_unique<Worker>(mesh, i, workers, unfinished));
  {
    std::vector<std::jthread> threads;
    for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  }
  for (bool any = true; any;) {
    any = false;
    for (const auto& worker : workers) any = worker->settle() || any;
  }
  for (int topic = 0; topic < kTopics; ++topic) {
    CHECK(workers[0]->heard(topic).size() == kAll);
    for (const auto& worker : workers) CHECK(worker->heard(topic) == workers[0]->heard(topic));
  }
  for (const auto& worker : workers) CHECK(worker->is_clean());
}

}  // namespace
}  // namespace peal::hub::hub_threads_test
