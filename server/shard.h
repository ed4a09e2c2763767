// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/conn/connection_table.h"
#include "core/conn/intake.h"
#include "core/hub/hub.h"
#include "core/io/reactor.h"
#include "server/dispatcher.h"
#include "server/drain.h"
#include "server/heartbeat.h"
#include "server/metrics_service.h"
#include "server/rebinding.h"
#include "server/shard_update.h"

namespace peal::server {

/// What a shard needs from the server. All of it outlives the shard.
struct ShardSetup {
  hub::ShardIndex index = 0;
  std::shared_ptr<const Site> site;
  std::shared_ptr<const ListenerSettings> listeners;
  hub::Mesh* mesh = nullptr;
  conn::Admission* admission = nullptr;
  Notices* notices = nullptr;
  MetricsService* metrics = nullptr;  ///< null: none
  ShardSettings settings = {};
  std::vector<DoorSocket> doors;
  Heartbeat* heartbeat = nullptr;
  std::function<void(hub::ShardIndex)> wake;  ///< another shard has mail
  std::function<void()> drained;              ///< called once, when the last connection is gone
  std::function<void()> updated = [] {};      ///< an update is in force
  /// No connection refers to a site before the last update any more.
  std::function<void()> released = [] {};
};

/// One thread's worth of server: a reactor with its connections, its part of the hub and its
/// dispatcher. Shares nothing with other shards but the mesh.
///
/// Owner: the Server, which joins the thread first. Thread: the one that runs it, but for
/// update(), request_drain(), stop() and wake().
class Shard final : private io::ReactorClient {
 public:
  Shard(ShardSetup setup, std::unique_ptr<io::Backend> backend);
  ~Shard();

  /// Accepts and serves until stop(). The error is the back end's.
  Result<> run();

  // From any thread.

  /// Puts an update in force between two turns. They come in the order in which they were given.
  void update(ShardUpdate update);
  /// Lets health say so; after a pause, stops accepting and says goodbye to every client, spread
  /// over a time.
  void request_drain();
  void stop() { reactor_.stop(); }
  void wake() { reactor_.wake(); }

  // After run() has returned, from the thread that destroys all shards: messages that one shard
  // still holds of another's go home before their memory goes. See Hub::settle().

  void settle() { hub_.settle(); }
  bool settled() const { return hub_.settled(); }

 private:
  struct Door {
    Door(DoorSocket door, std::uint32_t timer)
        : listener(door.listener),
          socket(std::move(door.socket)),
          stays(door.stays),
          alone(door.alone),
          pause(timer) {}

    std::uint32_t listener;
    Fd socket;  // none: closed
    bool stays;
    bool alone;
    bool ended = false;  // nothing is accepted any more
    io::Timer pause;     // armed while accepting waits, for descriptors or its rate
    Duration due{};      // how long accepting is to wait for its rate
  };

  /// With certificates that handshakes may still be under way with.
  struct SpentListeners {
    std::shared_ptr<const ListenerSettings> listeners;
    Instant until;
  };

  void on_accept(std::uint32_t door, int fd) override;
  void on_accept_end(std::uint32_t door, int error) override;
  void on_receive(SlotId id, io::Received received) override {
    table_.on_receive(id, std::move(received));
  }
  void on_receive_into(SlotId id, int result) override { table_.on_receive_into(id, result); }
  void on_send(SlotId id, int result) override { table_.on_send(id, result); }
  void on_wake() override {}
  void on_timer(io::Timer& timer) override;
  bool on_turn_end() override;
  bool go_on_delivering();
  bool has_mail() const override;

  void defer_accepts();
  void accept(std::uint32_t door);
  void end_accepting(std::uint32_t door);
  void close(std::uint32_t door);
  void open(DoorSocket door);
  bool wants_drain() const;
  void announce_drain();
  void begin_drain();
  bool work_on_drain();
  void take_updates();
  void put_in_force(ShardUpdate& update);
  void put_in_force(const ShardSettings& settings);
  void change_doors(ShardUpdate& update);
  void change_listeners(std::shared_ptr<const ListenerSettings> listeners);
  void change_site(std::shared_ptr<const Site> site);
  bool work_on_change();
  void leave();
  void note_evictions();
  void beat();
  bool has_metrics_mail() const;
  void take_metrics_mail();
  Snapshot snapshot();

  ShardSetup setup_;
  io::Reactor reactor_;
  hub::Memory memory_;
  hub::DueList due_;
  Dispatcher dispatcher_;
  conn::ConnectionTable table_;
  hub::Hub hub_;
  conn::Intake intake_;
  io::Timer hub_timer_;
  io::Timer beat_timer_;
  std::uint64_t evictions_told_ = 0;
  std::deque<Door> doors_;   // a deque because timers do not move
  bool one_by_one_ = false;  // how connections are accepted
  enum class DrainStage : std::uint8_t { none, announced, under_way, done };
  DrainStage drain_stage_ = DrainStage::none;
  Drain drain_;
  io::Timer drain_timer_;
  std::atomic<bool> drain_requested_{false};
  std::mutex updates_lock_;
  std::vector<ShardUpdate> updates_;
  std::atomic<bool> updates_wait_{false};
  Rebinding rebinding_;
  io::Timer change_timer_;
  std::vector<std::shared_ptr<const Site>> sites_before_;
  std::vector<SpentListeners> spent_;
};

}  // namespace peal::server
