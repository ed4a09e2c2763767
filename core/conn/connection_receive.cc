// SPDX-License-Identifier: Apache-2.0
// What comes from the socket, and when more is asked for.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/conn/connection_table.h"

namespace peal::conn {
namespace {

constexpr std::uint32_t kHeldBehindPoll = 16 << 10;  // bytes of further requests
constexpr std::uint8_t kSingleReceives = 3;          // the end of a frame, the next one's beginning
constexpr std::size_t kDirectPiece = 256 << 10;      // bytes; more at once costs no less
constexpr std::size_t kBulkPerTurn = 256 << 10;      // bytes that are asked for, or one piece

}  // namespace

void ConnectionTable::on_receive(SlotId id, io::Received received) {
  Connection* found = connections_.find(id);
  PEAL_CHECK(found);  // a slot lives as long as a receive is armed
  Connection& connection = *found;
  connection.receiving = received.armed;
  if (!received.armed) connection.state.stopping = false;
  if (!received.bytes.empty()) {
    connection.last_received = now();
    count_received(connection, received.bytes.size());
    // A flood: an armed receive would bring all that there is of it in one turn.
    if (received.bytes.size() == io::BufferPool::kSize) receive_singly(connection);
    if (connection.secure && connection.state.phase != Phase::introducing)
      take_ciphertext(connection, received.bytes);
    else
      take_input(connection, received.bytes, {.in_buffer = true, .buffer = received.lease.id()});
  } else if (received.error == 0) {
    on_stream_end(connection);
  } else if (received.error != ENOBUFS && received.error != ECANCELED) {
    const bool exhausted = received.error == ENOSPC || received.error == ENOMEM;
    terminate(connection, false, exhausted ? Ending::no_resources : Ending::lost);
  }
  go_on_receiving(connection);
}

void ConnectionTable::on_receive_into(SlotId id, int result) {
  Connection* found = connections_.find(id);
  PEAL_CHECK(found);
  Connection& connection = *found;
  connection.receiving = false;
  connection.state.direct = false;
  if (connection.state.phase == Phase::lingering || connection.state.phase == Phase::closed)
    forget_input(connection);  // which had to wait for this
  if (result > 0) {
    connection.last_received = now();
    count_received(connection, static_cast<std::size_t>(result));
    take_direct(connection, static_cast<std::size_t>(result));
  } else if (result == 0) {
    on_stream_end(connection);
  } else {
    terminate(connection, false, Ending::lost);
  }
  go_on_receiving(connection);
}

void ConnectionTable::go_on_receiving(Connection& connection) {
  if (connection.state.phase == Phase::closed)
    mark_due(connection);
  else if (!connection.receiving)
    arm_receive(connection);
}

/// False while what is there already cannot be worked off. Who waits for news is listened to all
/// the same, up to some requests ahead: that is how one that has gone is noticed.
bool ConnectionTable::takes_input(const Connection& connection) const {
  if (connection.state.phase == Phase::closed) return false;
  if (!has_input_waiting(connection)) return true;
  if (!connection.held || (connection.secure && connection.secure->holds_input())) return false;
  const auto& [begin, end] = connection.held->used;
  return connection.state.phase == Phase::answering && connection.exchange->ends_with_client &&
         connection.state.stall == Stall::none && end - begin < kHeldBehindPoll;
}

bool ConnectionTable::holds_input(const Connection& connection) {
  return connection.held || (connection.secure && connection.secure->holds_input());
}

/// Whether what is held waits for something else than its rest, as half a head does.
bool ConnectionTable::holds_back(const Connection& connection) {
  const ConnectionState& state = connection.state;
  const bool waits = state.stall != Stall::none || state.phase == Phase::answering ||
                     state.phase == Phase::responding || state.phase == Phase::upgrading;
  return waits && connection.held != nullptr;
}

bool ConnectionTable::has_input_waiting(const Connection& connection) {
  return holds_back(connection) || (connection.secure && connection.secure->holds_input());
}

/// What is left of a long frame is received where it belongs. An armed receive would bring it in
/// many pieces before it could be ended, so those who send long frames get single ones, for the end
/// of a frame and for the beginning of the next. What is there already is copied at once, so of
/// that there is a share a turn, and they wait in line for it.
void ConnectionTable::arm_receive(Connection& connection) {
  ConnectionState& state = connection.state;
  if (connection.receiving || state.peer_ended || !takes_input(connection)) return;
  const bool direct = wants_direct(connection);
  if (!direct && state.single == 0 && state.phase != Phase::lingering) {
    connection.receiving = true;
    reactor_.backend().receive(connection.fd, connection.id());
  } else if (bulk_left_ == 0) {
    if (!state.in_bulk) bulk_line_.push_back(connection.id());
    state.in_bulk = true;
  } else if (direct) {
    receive_directly(connection);
  } else {
    if (state.single > 0) --state.single;
    bulk_left_ -= std::min<std::size_t>(bulk_left_, io::BufferPool::kSize);
    connection.receiving = true;
    reactor_.backend().receive_once(connection.fd, connection.id());
  }
}

void ConnectionTable::receive_directly(Connection& connection) {
  connection.state.direct = true;
  connection.state.single = kSingleReceives;
  MutableBytes room = ws::room_for_payload(*connection.state.reader, reader_context(connection));
  room = room.first(std::min(room.size(), kDirectPiece));
  bulk_left_ -= std::min(bulk_left_, room.size());
  connection.receiving = true;
  reactor_.backend().receive_into(connection.fd, connection.id(), room);
}

/// Asks for this turn's share of what comes in large pieces.
void ConnectionTable::serve_bulk() {
  bulk_left_ = kBulkPerTurn;
  for (std::size_t waiting = bulk_line_.size(); waiting > 0 && bulk_left_ > 0; --waiting) {
    Connection* const connection = connections_.find(bulk_line_.pop_front());
    if (!connection || !connection->state.in_bulk) continue;
    connection->state.in_bulk = false;
    arm_receive(*connection);
  }
}

/// For a while, each receive brings one piece, and the next one is asked for at the end of the
/// turn.
void ConnectionTable::receive_singly(Connection& connection) {
  connection.state.single = kSingleReceives;
  stop_receive(connection);
}

bool ConnectionTable::wants_direct(const Connection& connection) {
  const ConnectionState& state = connection.state;
  const bool reads = state.phase == Phase::open || state.phase == Phase::closing;
  return reads && state.reader && !connection.secure && !connection.held &&
         state.stall == Stall::none &&
         ws::awaits_payload(*state.reader, limits_.direct_from, reader_context(connection));
}

void ConnectionTable::stop_receive(Connection& connection) {
  ConnectionState& state = connection.state;
  if (!connection.receiving || state.direct || state.stopping) return;
  connection.receiving = reactor_.backend().stop_receive(connection.fd, connection.id());
  state.stopping = connection.receiving;
}

void ConnectionTable::take_direct(Connection& connection, std::size_t size) {
  if (!connection.state.reader) return;
  if (const char* wrong = ws::take_payload(*connection.state.reader, size))
    fail(connection, ws::CloseCode::invalid_payload, wrong, Ending::protocol_error);
}

}  // namespace peal::conn
