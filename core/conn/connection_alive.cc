// SPDX-License-Identifier: Apache-2.0
// What shows that the client of a WebSocket is still there.
#include <algorithm>
#include <optional>

#include "core/conn/connection_table.h"
#include "core/io/tcp_info.h"

namespace peal::conn {
namespace {

constexpr int kFirstLook = 4;  // after this part of the time for a pong

}  // namespace

/// Pings a silent client, ends one that has not answered, and arms the next look.
void ConnectionTable::keep_alive(Connection& connection) {
  const RoutePolicy& policy = *connection.policy;
  if (policy.idle_timeout > Duration::zero() &&
      passed_since(connection.last_message) >= policy.idle_timeout) {
    close(connection, ws::CloseCode::going_away, "idle for too long", Ending::idle);
    return;
  }
  // At the start something has come just now, which needs no look into the kernel.
  if (!connection.all_sent() && passed_since(connection.last_received) > Duration::zero())
    note_progress(connection);
  // Within one step, too, something came after the ping: before it, nothing had for an interval.
  if (!(connection.last_received < connection.pinged)) connection.pinged = {};
  const bool waits = connection.pinged.known();
  if (waits && answers_no_ping(connection)) {
    terminate(connection, true, Ending::pong_timeout);
    return;
  }
  const bool pings = policy.ping_interval > Duration::zero();
  if (!waits && pings && passed_since(connection.last_received) >= policy.ping_interval) {
    connection.pinged = now();
    push_frame(connection, ws::Opcode::ping, {});
    due_.add_delivery(connection);  // nobody waits for it
  }
  watch_open(connection);
}

/// Arms the next look.
void ConnectionTable::watch_open(Connection& connection) {
  const RoutePolicy& policy = *connection.policy;
  const bool pings = policy.ping_interval > Duration::zero();
  std::optional<Instant> next;
  const auto look_at = [&](CoarseInstant from, Duration after) {
    const Instant when = from.near(now()) + after;
    next = next ? std::min(*next, when) : when;
  };
  if (policy.idle_timeout > Duration::zero()) look_at(connection.last_message, policy.idle_timeout);
  if (!connection.pinged.known()) {
    if (pings) look_at(connection.last_received, policy.ping_interval);
  } else if (policy.pong_timeout == Duration::zero()) {
    look_at(connection.pinged, policy.ping_interval);
  } else {
    const Duration soon = policy.pong_timeout / kFirstLook;
    look_at(connection.pinged, passed_since(connection.pinged) < soon ? soon : policy.pong_timeout);
  }
  if (next) reactor_.arm_at(connection.timer, *next);
}

/// Whether its time for a pong is up. The ping may stand behind what the kernel has taken long ago:
/// as long as the peer acknowledges some of that, it has time, and once more when it has
/// acknowledged the ping itself, which it may have to read yet. What comes after the first look
/// counts, for which the kernel need not be asked about those who answer at once.
bool ConnectionTable::answers_no_ping(Connection& connection) {
  const Duration timeout = connection.policy->pong_timeout;
  const Duration passed = passed_since(connection.pinged);
  if (timeout == Duration::zero() || passed < timeout / kFirstLook) return false;
  const std::uint32_t before = connection.acknowledged;
  look_at_progress(connection);
  if (passed < timeout) return false;
  const bool reads = connection.acknowledged != before;
  if (reads) connection.pinged = now();
  return !reads;
}

/// A long send tells nothing until it is over; what the peer has acknowledged shows that it reads.
void ConnectionTable::note_progress(Connection& connection) {
  const std::uint32_t before = connection.acknowledged;
  look_at_progress(connection);
  if (connection.acknowledged != before) note_taken(connection);
}

void ConnectionTable::look_at_progress(Connection& connection) {
  connection.acknowledged = static_cast<std::uint32_t>(
      io::with_descriptor(reactor_.backend(), connection.fd, io::acknowledged));
}

}  // namespace peal::conn
