// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/conn/connection_table.h"
#include "server/route_change.h"
#include "server/spread.h"

namespace peal::server {

/// Takes the connections of a shard over from one Site to the next: those that stay get their route
/// of the same name there, those that do not are told to go, one after another.
///
/// Owner: a Shard. Thread: the shard's.
/// Limits: a turn looks at kSlotsPerTurn slots, so that it lasts some hundred microseconds. A slot
/// is kept in mind for each connection that goes, or has something under way.
class Rebinding {
 public:
  static constexpr int kSlotsPerTurn = 1024;
  static constexpr int kClosesPerTurn = 64;

  explicit Rebinding(conn::ConnectionTable& table) : table_(table) {}

  /// `spread`: of those who go. May be called again before it is done. Requires: new requests are
  /// answered by `now` already, and the sites before live until done().
  void begin(const Site& now, const SpreadPolicy& spread, std::uint32_t seed);

  /// A turn's share. True when the next turn is to go on with it.
  bool work();
  /// When work() has something to do again; nullopt: never.
  std::optional<Instant> next_due() const;

  /// No connection refers to another site than the last one.
  bool done() const { return !walks_ && leaving_.empty() && held_.empty(); }

 private:
  bool walk();
  void visit(conn::Connection& connection);
  const Route* route_before(conn::Connection& connection) const;
  bool came_by_closed_door(const conn::Connection& connection) const;
  const RouteChange& change_of(const Route& route);
  void end_walk();
  bool say_goodbyes();
  void look_after_held();

  conn::ConnectionTable& table_;
  const Site* site_ = nullptr;
  SpreadPolicy policy_;
  std::uint32_t seed_ = 0;
  std::map<const Route*, RouteChange> changes_;  // by the route before
  bool walks_ = false;
  std::uint32_t cursor_ = 0;      // slot of the table
  std::vector<SlotId> leaving_;   // to be told, the last one first
  std::vector<SlotId> held_;      // refer to a site before until they end, or end what they do
  std::optional<Spread> spread_;  // of leaving_, after the walk
  Instant next_look_{};           // at held_
};

}  // namespace peal::server
