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
#include "server/certificates.h"
#include "server/file_watch.h"
#include "server/io_choice.h"
#include "server/listener_policies.h"
#include "server/listeners.h"
#include "server/notify.h"
#include "server/shard.h"
#include "server/signals.h"
#include "server/site.h"

namespace peal::server {

/// The process: opens what the configuration names, runs a shard on each CPU, and sees to it that
/// they end together.
///
/// Owner: main(). Thread: main's.
class Server {
 public:
  Server(config::Config config, Certificates certificates);
  ~Server();

  /// Opens the listeners and starts the shards. Error: a sentence for the operator.
  std::expected<void, std::string> start();

  /// Serves until a signal ends it: the first asks every client to leave, a second one, or clients
  /// that do not, end it at once.
  void run();

 private:
  using Doors = std::vector<DoorSocket>;  // of one shard

  std::expected<std::vector<Doors>, std::string> open_doors(unsigned shards);
  std::expected<void, std::string> start_shards(std::vector<Doors> doors);
  void serve(hub::ShardIndex index, int cpu, Doors doors);
  ShardSetup make_setup(hub::ShardIndex index, Doors doors);
  void tell_status();
  void watch_tokens();
  void drain();
  void stop();

  /// Where the shards' threads wait for one another before they serve.
  struct StartGate {
    explicit StartGate(std::ptrdiff_t shards) : made(shards) {}

    std::latch made;
    std::latch opened{1};
    std::atomic<bool> failed{false};
    Error failure{};  // of the first that failed; read after `made`
  };

  config::Config config_;
  Certificates certificates_;
  const std::vector<conn::ListenerPolicy> listener_policies_;
  std::optional<Site> site_;
  std::optional<IoChoice> io_;
  std::optional<hub::Mesh> mesh_;
  std::optional<conn::Admission> admission_;
  std::optional<Notices> notices_;
  std::optional<Heartbeat> heartbeat_;
  Notify notify_;
  FileWatch files_;
  Listeners listeners_;
  std::optional<StartGate> gate_;
  SignalQueue signals_;
  Fd drained_;  // an eventfd(2) that counts the shards that are empty
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::thread> threads_;
};

}  // namespace peal::server
