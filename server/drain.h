// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/conn/connection_table.h"
#include "server/spread.h"

namespace peal::server {

/// One shard's part of a drain: goes through its connections once and tells each to go when its
/// turn comes.
///
/// Owner: a Shard. Thread: the shard's.
/// Limits: a turn looks at kSlotsPerTurn slots and tells kClosesPerTurn connections, so that it
/// lasts some hundred microseconds whatever there is.
class Drain {
 public:
  static constexpr int kClosesPerTurn = 64;
  static constexpr int kSlotsPerTurn = 4096;

  explicit Drain(conn::ConnectionTable& table) : table_(table) {}

  /// Requires: nobody comes in any more, and what is answered from now on ends its connection, as
  /// those who are not told (ConnectionTable::send_away()) are not told later either.
  void begin(const SpreadPolicy& policy, std::uint32_t seed);

  /// Tells those whose time has come. True when the next turn is to go on with it.
  bool work();

  /// When work() has something to do; nullopt: never again.
  std::optional<Instant> next_due() const;

 private:
  conn::Connection* next_connection(int& slots_left);

  conn::ConnectionTable& table_;
  Spread spread_;
  std::uint32_t cursor_ = 0;  // slot of the table
};

}  // namespace peal::server
