// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/io/unix_listener.h"
#include "server/socket_activation.h"

namespace peal::server {

/// The listening sockets of this process: those it opens, and those that systemd has passed.
///
/// Owner: the Server; outlives the shards. Thread: main's.
class Listeners {
 public:
  /// The sockets of one listener for each shard, in their order. An IP address has a socket of its
  /// own for each shard, among which the kernel spreads connections; a Unix socket, and what
  /// systemd has passed, is shared by all, and there may be several of one name.
  using Sockets = std::vector<std::vector<Fd>>;

  /// Takes what systemd has passed; it is kept, whether any listener names it or not.
  Listeners() : passed_(take_passed_sockets()) {}

  /// For how long a daemon that starts tries an address that is in use. One that was killed may
  /// hold it still: the kernel ends an io_uring, and what it accepts from, after the process (0.2 s
  /// with 9,000 connections).
  static constexpr Duration kPatience = std::chrono::seconds(3);

  /// Opens what `listen` names, and tells the log where that is; tries for `patience` where the
  /// address is in use, and blocks that long. `beside_ours`: see io::open_listeners(). Error: a
  /// sentence for the operator.
  std::expected<Sockets, std::string> open(const config::Listen& listen, unsigned shards,
                                           Duration patience, bool beside_ours = false);

  /// Unix sockets that stay get the permissions, owner and group that `now` names. Error: a
  /// sentence for the operator; some of it may have changed.
  std::expected<void, std::string> set_access(std::span<const config::Listen> now);

  /// Whether somebody has removed the file of a Unix socket, so that nobody can connect.
  bool is_lost(const config::Listen& listen) const;

  /// The listener is no more, or was never in force: a Unix socket's file goes. Its sockets are the
  /// shards' to close.
  void forget(const config::Listen& listen) { files_.erase(listen.path); }
  /// The same of all.
  void forget_all() { files_.clear(); }

  /// Tells the log of sockets that systemd has passed and none of `listen` names.
  void report_unnamed(std::span<const config::Listen> listen) const;

 private:
  std::expected<Sockets, std::string> open_ip(const config::Listen& listen, unsigned shards,
                                              Duration patience, bool beside_ours);
  std::expected<Sockets, std::string> open_unix(const config::Listen& listen, unsigned shards,
                                                Duration patience);
  std::expected<Sockets, std::string> adopt(const config::Listen& listen, unsigned shards);

  std::vector<PassedSocket> passed_;
  std::map<std::string, io::UnixListener> files_;  // by path
};

}  // namespace peal::server
