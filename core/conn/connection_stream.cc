// SPDX-License-Identifier: Apache-2.0
// Responses without an end of their own: what shows that their clients are still there.
#include <algorithm>
#include <cstring>

#include "core/conn/connection_table.h"

namespace peal::conn {

void ConnectionTable::end_stream(Connection& connection, Block* last, std::size_t size,
                                 Ending ending) {
  const ConnectionState& state = connection.state;
  if (!state.streams || (state.phase != Phase::upgrading && state.phase != Phase::streaming)) {
    memory_.blocks.give(last);
    return;
  }
  note_ending(connection, ending);
  if (last) connection.push_block(memory_, last, {last->data(), size});
  connection.shut();
  linger(connection);
}

/// Such a client says nothing: what its kernel acknowledges stands for an answer to a ping.
void ConnectionTable::keep_streaming(Connection& connection) {
  const RoutePolicy& policy = *connection.policy;
  if (policy.idle_timeout > Duration::zero() &&
      passed_since(connection.last_message) >= policy.idle_timeout) {
    end_stream(connection, nullptr, 0, Ending::idle);
    return;
  }
  note_progress(connection);
  if (connection.pinged < connection.last_received) connection.pinged = {};
  const bool waits = connection.pinged.known();
  if (waits && policy.pong_timeout > Duration::zero() &&
      passed_since(connection.pinged) >= policy.pong_timeout) {
    terminate(connection, true, Ending::pong_timeout);
    return;
  }
  const CoarseInstant quiet_since = std::max(connection.last_message, connection.since);
  if (policy.ping_interval > Duration::zero() &&
      passed_since(quiet_since) >= policy.ping_interval) {
    connection.since = now();
    if (connection.all_sent()) send_comment(connection);
  }
  if (!waits && !connection.all_sent()) connection.pinged = now();
  watch_stream(connection);
}

/// Arms the next look.
void ConnectionTable::watch_stream(Connection& connection) {
  const RoutePolicy& policy = *connection.policy;
  Instant next = Instant::max();
  const auto look_at = [&](CoarseInstant from, Duration after) {
    if (after > Duration::zero()) next = std::min(next, from.near(now()) + after);
  };
  look_at(connection.last_message, policy.idle_timeout);
  look_at(std::max(connection.last_message, connection.since), policy.ping_interval);
  if (connection.pinged.known()) look_at(connection.pinged, policy.pong_timeout);
  if (next == Instant::max())
    connection.timer.cancel();
  else
    reactor_.arm_at(connection.timer, next);
}

/// WHATWG HTML, section 9.2.6: a line that begins with a colon is ignored.
void ConnectionTable::send_comment(Connection& connection) {
  const Bytes comment = as_bytes(":\n\n");
  Block* block = memory_.blocks.take(comment.size());
  std::memcpy(block->data(), comment.data(), comment.size());
  connection.push_block(memory_, block, {block->data(), comment.size()});
  due_.add_delivery(connection);  // nobody waits for it
}

}  // namespace peal::conn
