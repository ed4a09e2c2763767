// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/histogram.h"
#include "core/conn/counters.h"
#include "core/hub/hub.h"
#include "server/accounts.h"

namespace peal::server {

/// What a shard has counted, at one moment, in plain values that add up. Names are numbers of
/// Labels; a list may be shorter than there are names, what is missing is 0.
struct Snapshot {
  // Since the start.
  conn::TableCounters table;
  std::vector<RouteCounters> routes;
  std::array<std::uint64_t, kCloseLabels.size()> closes{};
  std::vector<hub::HubCounters> deliveries;  ///< by route
  std::vector<std::uint64_t> publications;   ///< by class of topics
  std::uint64_t paced = 0;                   ///< messages left out by topic.rate
  DurationHistogram fanout;
  std::uint64_t turns = 0;
  Duration cpu{};  ///< of the shard's thread

  // Now.
  std::uint64_t connections = 0;
  std::uint64_t topics = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t queue_bytes = 0;
  std::uint64_t history_bytes = 0;
  std::uint64_t block_bytes_used = 0;
  std::uint64_t block_bytes_kept = 0;
  std::uint64_t receive_buffers = 0;  ///< that hold something

  Snapshot& operator+=(const Snapshot& more);
};

}  // namespace peal::server
