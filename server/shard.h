// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "core/base/fd.h"
#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "core/io/reactor.h"
#include "server/dispatcher.h"
#include "server/heartbeat.h"

namespace peal::server {

/// A listening socket, and which listener it is of.
struct DoorSocket {
  std::uint32_t listener = 0;  ///< index into Config::listen
  Fd socket;
};

/// What a shard needs from the server. All of it outlives the shard.
struct ShardSetup {
  hub::ShardIndex index = 0;
  const Site* site = nullptr;
  std::span<const conn::ListenerPolicy> listener_policies = {};
  hub::Mesh* mesh = nullptr;
  conn::Admission* admission = nullptr;
  Notices* notices = nullptr;
  conn::TableLimits limits;
  std::size_t history_memory = 0;  ///< bytes, of this shard
  ws::DeflateSettings deflate = {};
  std::vector<DoorSocket> doors;
  Heartbeat* heartbeat = nullptr;
  std::function<void(hub::ShardIndex)> wake;  ///< another shard has mail
  std::function<void()> drained;              ///< called once, when the last connection is gone
};

/// One thread's worth of server: a reactor with its connections, its part of the hub and its
/// dispatcher. Shares nothing with other shards but the mesh.
///
/// Owner: the Server, which joins the thread first. Thread: the one that runs it, but for
/// request_drain(), stop() and wake().
class Shard final : private io::ReactorClient {
 public:
  Shard(ShardSetup setup, std::unique_ptr<io::Backend> backend);
  ~Shard();

  /// Accepts and serves until stop(). The error is the back end's.
  Result<> run();

  // From any thread.

  /// Stops accepting and says goodbye to every client.
  void request_drain();
  void stop() { reactor_.stop(); }
  void wake() { reactor_.wake(); }

  // After run() has returned, from the thread that destroys all shards.

  /// Takes back what other shards still had of this one's. False when there was nothing.
  bool settle_mail();

 private:
  struct Door {
    Door(DoorSocket door, std::uint32_t timer)
        : listener(door.listener), socket(std::move(door.socket)), pause(timer) {}

    std::uint32_t listener;
    Fd socket;
    io::Timer pause;  // armed while accepting waits, for descriptors or its rate
    Duration due{};   // how long accepting is to wait for its rate
  };

  void on_accept(std::uint32_t door, int fd) override;
  void on_accept_end(std::uint32_t door, int error) override;
  void on_receive(SlotId id, io::Received received) override {
    table_.on_receive(id, std::move(received));
  }
  void on_send(SlotId id, int result) override { table_.on_send(id, result); }
  void on_wake() override {}
  void on_timer(io::Timer& timer) override;
  bool on_turn_end() override;
  bool has_mail() const override;

  void accept(std::uint32_t door);
  void begin_drain();
  void leave();
  void note_evictions();
  void beat();

  ShardSetup setup_;
  io::Reactor reactor_;
  hub::Memory memory_;
  hub::DueList due_;
  Dispatcher dispatcher_;
  conn::ConnectionTable table_;
  hub::Hub hub_;
  io::Timer hub_timer_;
  io::Timer beat_timer_;
  std::uint64_t evictions_told_ = 0;
  std::deque<Door> doors_;  // a deque because timers do not move
  enum class Drain : std::uint8_t { no, under_way, done } drain_ = Drain::no;
  std::atomic<bool> drain_requested_{false};
};

}  // namespace peal::server
