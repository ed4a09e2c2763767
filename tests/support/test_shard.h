// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "core/conn/connection_table.h"
#include "core/conn/intake.h"
#include "core/hub/hub.h"
#include "core/io/reactor.h"

namespace peal::test {

/// What a test puts in the place of the server.
class TestHandler : public conn::ConnectionHandler, public hub::HubClient {
 public:
  const conn::ListenerPolicy& listener_policy(std::uint32_t) const override { return listener; }
  void on_refused(io::IpNetwork) override {}
  void on_ending(conn::Connection&, std::string_view) override {}
  void on_room(conn::Connection&) override {}
  void on_gap(hub::TopicUse&) override {}
  void on_event(hub::TopicUse&) override {}
  void on_posted(hub::Ticket, hub::MessageId, std::uint32_t) override {}
  virtual ~TestHandler() = default;

  conn::ListenerPolicy listener;  ///< of every one
};

/// Topics of one class, which keeps nothing.
class NoPolicies final : public hub::TopicPolicies {
 public:
  const hub::TopicPolicy& of(std::string_view) const override { return policy_; }
  std::size_t count() const override { return 1; }

 private:
  hub::TopicPolicy policy_;
};

/// What belongs to a server's shard but has no thread: every turn is a call.
///
/// Owner: a test; its mesh, admission and handler outlive it.
template <class Handler>
class TestShard final : private io::ReactorClient {
 public:
  TestShard(hub::ShardIndex index, std::unique_ptr<io::Backend> backend, hub::Mesh& mesh,
            conn::Admission& admission, const conn::TableLimits& limits, Handler& handler,
            Instant (*clock)() = Clock::now)
      : reactor(std::move(backend), clock),
        memory(index, reactor.buffers(), kKeepBytes, {.level = 1, .min_size = kMinCompressed}),
        table(reactor, memory, due, handler, admission, limits),
        hub({.memory = &memory,
             .mesh = &mesh,
             .self = index,
             .client = &handler,
             .due = &due,
             .policies = &policies,
             .now = &reactor.now(),
             .pushes_at_once = kPushesAtOnce}) {}

  Result<> turn(std::optional<Duration> limit = Duration::zero()) {
    return reactor.turn(*this, limit);
  }

  /// Nothing is left of any connection, message or topic.
  bool all_given_back() {
    return table.size() == 0 && memory.segments.out() == 0 && memory.messages.out() == 0 &&
           memory.blocks.bytes_out() == 0 && memory.buffers.held_count() == 0 &&
           memory.inflaters.out() == 0 && hub.topics() == 0 && due.empty();
  }

  NoPolicies policies;
  io::Reactor reactor;
  hub::Memory memory;
  hub::DueList due;
  conn::ConnectionTable table;
  hub::Hub hub;
  conn::Intake intake{hub, table};
  bool work_left = false;  ///< what the last turn said

 private:
  static constexpr std::size_t kKeepBytes = 16 << 20;
  static constexpr std::size_t kPushesAtOnce = 2;  // few: tests have few subscribers
  static constexpr std::size_t kPushesPerTurn = 3;
  static constexpr std::uint32_t kMinCompressed = 6;  // bytes: short messages are tests, too

  void on_accept(std::uint32_t listener, int fd) override { table.on_accept(listener, fd); }
  void on_accept_end(std::uint32_t listener, int) override {
    reactor.backend().accept(listener, -1);
  }
  void on_receive(SlotId id, io::Received received) override {
    table.on_receive(id, std::move(received));
  }
  void on_receive_into(SlotId id, int result) override { table.on_receive_into(id, result); }
  void on_send(SlotId id, int result) override { table.on_send(id, result); }
  void on_wake() override {}
  void on_timer(io::Timer& timer) override { table.on_timer(timer.owner()); }
  bool on_turn_end() override {
    intake.work();
    const bool left = table.flush();
    const bool delivers = hub.delivers();
    hub.go_on_delivering(kPushesPerTurn);
    hub.flush([](hub::ShardIndex) {});
    work_left =
        left || delivers || hub.congested() || hub.works() || table.waiting_publishers() > 0;
    return work_left;
  }
  bool has_mail() const override { return hub.has_mail(); }
};

}  // namespace peal::test
