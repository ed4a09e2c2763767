// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <expected>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "config/config.h"
#include "core/hub/mesh.h"
#include "server/file_watch.h"
#include "server/io_choice.h"
#include "server/labels.h"
#include "server/listener_policies.h"
#include "server/listeners.h"
#include "server/metrics_service.h"
#include "server/notify.h"
#include "server/reload.h"
#include "server/shard.h"
#include "server/signals.h"

namespace peal::server {

/// `configured`, or what the limit of open files allows when a reserve is kept: for listeners and
/// rings, for files being served, and for telling clients that there are too many.
std::uint64_t connection_limit(std::uint64_t configured, std::uint64_t files, std::uint64_t rings);

/// The process: opens what the configuration names, runs a shard on each CPU, and sees to it that
/// they end together.
///
/// Owner: main(). Thread: main's.
class Server {
 public:
  /// `load`: how to read the configuration again.
  Server(FreshConfig fresh, config::LoadOptions load);
  ~Server();

  /// Opens the listeners and starts the shards. Error: a sentence for the operator.
  std::expected<void, std::string> start();

  /// Serves until a signal ends it: the first asks every client to leave, a second one, or clients
  /// that do not, end it at once. SIGHUP makes it read the configuration again.
  void run();

 private:
  /// Until what could not be read is tried again: open files or memory may have been short.
  static constexpr Duration kReadAgain = std::chrono::seconds(1);

  using Doors = std::vector<DoorSocket>;  // of one shard

  std::expected<void, std::string> start_metrics(unsigned shards);
  std::expected<std::vector<Doors>, std::string> open_doors(unsigned shards);
  static void add_doors(std::vector<Doors>& doors, std::uint32_t listener,
                        const config::Listen& listen, Listeners::Sockets sockets);
  std::expected<void, std::string> start_shards(std::vector<Doors> doors);
  Result<> make_shard(hub::ShardIndex index, Doors doors);
  void serve(hub::ShardIndex index, int cpu, Doors doors);
  ShardSetup make_setup(hub::ShardIndex index, Doors doors);
  void tell_status(const std::string& doing = {});
  ShardSettings shard_settings(const config::Config& config) const;
  const config::Config& config() const { return edition_->config; }
  void serve_until_asked_to_stop();
  void look_after();
  std::optional<Instant> next_reading() const;
  void watch_files(const FileStamps& known);
  void watch_tokens(const FileStamps& known);
  void watch_certificates(const FileStamps& known);
  void drain();
  bool is_asked_again();
  void stop();

  // server_reload.cc
  void reload();
  void take_up_file();
  void refuse_reload(const std::string& why);
  std::expected<std::vector<Doors>, std::string> open_new_doors(const DoorPlan& plan,
                                                                const config::Config& now);
  void take_back_doors(const DoorPlan& plan, std::span<const config::Listen> now);
  void put_in_force(std::shared_ptr<const Edition> edition, Certificates certificates,
                    const DoorPlan& plan, std::vector<Doors> doors);
  void renew_certificates();
  void wait_for_updates();
  void drop_old_editions();

  /// Where the shards' threads wait for one another before they serve.
  struct StartGate {
    explicit StartGate(std::ptrdiff_t shards) : made(shards) {}

    /// Any thread.
    void fail(const Error& why) {
      if (!failed.exchange(true)) failure = why;
    }

    std::latch made;
    std::latch opened{1};
    std::atomic<bool> failed{false};
    Error failure{};  // of the first that failed; read after `made`
  };

  config::LoadOptions load_;
  Labels labels_;
  std::shared_ptr<const Edition> edition_;  // in force
  std::vector<std::shared_ptr<const Edition>> editions_before_;
  config::Config first_config_;  // until start()
  FileStamps first_stamps_;      // the same
  std::shared_ptr<const ListenerSettings> listener_settings_;
  std::uint64_t file_limit_ = 0;
  std::uint64_t rings_ = 0;  // reactors that can put sockets aside
  std::optional<IoChoice> io_;
  std::optional<hub::Mesh> mesh_;
  std::optional<conn::Admission> admission_;
  std::optional<Notices> notices_;
  Notify notify_;
  std::optional<Heartbeat> heartbeat_;
  std::optional<MetricsService> metrics_;
  FileWatch files_;
  Listeners listeners_;
  std::optional<StartGate> gate_;
  SignalQueue signals_;
  Fd drained_;                         // an eventfd(2) that counts the shards that are empty
  Fd updated_;                         // the same of updates that are in force on a shard
  std::size_t updates_under_way_ = 0;  // that it has not counted yet
  Fd released_;                        // readable when a shard has let go of editions before
  std::optional<Instant> renew_at_;    // certificates, as their files have changed
  std::string renewal_told_;           // what was wrong with them the last time
  std::optional<Instant> again_at_;    // files that could not be read when they changed
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
};

}  // namespace peal::server
