// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "server/host/host.h"

namespace peal::host {

/// What a configuration asks of a host. Sizes are bytes.
struct Demand {
  std::uint64_t connections = 0;   ///< limits.connections, or as many as open files allow
  bool connections_given = false;  ///< the former
  unsigned reactors = 1;
  bool reactors_given = false;  ///< by server.threads
  bool uring = false;           ///< io_uring is used where it can be
  std::uint64_t open_files = 0;
  std::uint64_t queues = 1;  ///< of the kernel, that the connections of an address wait in
  std::uint64_t message_size = 0;
  std::uint64_t at_rest = 0;  ///< a connection, the kernel's part included
  std::uint64_t queued = 0;   ///< outboxes of those that read slowly, see kSlowOneIn
  std::uint64_t history = 0;
  std::uint64_t fixed = 0;       ///< the process without connections
  bool local_balancer = false;   ///< one on this machine may be in front, by TCP
  std::uint64_t files_read = 0;  ///< again when they change

  std::uint64_t memory() const { return fixed + history + queued + connections * at_rest; }
};

/// Memory is reckoned for one client in so many to have its queue full.
inline constexpr std::uint64_t kSlowOneIn = 100;

Demand demand_of(const config::Config& config, const Host& host);

/// Files that the configuration names and peald reads: certificates, keys, tokens.
std::vector<std::string> files_of(const config::Config& config);

}  // namespace peal::host
