// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/fd.h"
#include "core/conn/connection_table.h"
#include "core/ws/deflate.h"
#include "server/access_log.h"
#include "server/listener_policies.h"
#include "server/site.h"
#include "server/spread.h"

namespace peal::server {

struct DrainPlan {
  Duration pause{};  ///< from the request to the end of accepting
  SpreadPolicy spread = {};
};

/// What a shard goes by and may be given anew while it runs.
struct ShardSettings {
  conn::TableLimits limits = {};
  std::size_t history_memory = 0;  ///< bytes, of this shard
  ws::DeflateSettings deflate = {};
  DrainPlan drain = {};
  AccessLog access_log = AccessLog();
};

/// A listening socket, and which listener it is of: an index into Config::listen.
struct DoorSocket {
  std::uint32_t listener = 0;
  Fd socket;
  bool stays = false;  ///< with those who wait in its queue, when this descriptor is closed
  bool alone = false;  ///< no other reactor and no other process listens on it
};

/// What changes for a shard, all of it between two turns. A value that is handed over.
struct ShardUpdate {
  std::optional<ShardSettings> settings;
  std::shared_ptr<const Site> site;                   ///< null: stays
  std::shared_ptr<const ListenerSettings> listeners;  ///< null: as before
  std::vector<std::uint32_t> closed_doors;            ///< listeners
  /// Sockets go on for another listener than before.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moved_doors;
  std::vector<DoorSocket> new_doors;
};

}  // namespace peal::server
