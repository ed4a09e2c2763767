// SPDX-License-Identifier: Apache-2.0
// The way in: bytes to requests and messages.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/conn/connection_table.h"
#include "core/ws/frame_header.h"

namespace peal::conn {
namespace {

// What clients may take of a turn before they wait in line, some 20 microseconds of work each; and
// what those in line get at its end.
constexpr std::size_t kInflatedPerTurn = 64 << 10;  // bytes, of all clients together
constexpr std::size_t kInflatedAtOnce = 8 << 10;    // of one of them
constexpr std::size_t kInflatedInLine = 8 << 10;    // of all in line
constexpr std::size_t kFramesPerTurn = 512;
constexpr std::size_t kFramesPerRequest = 16;  // that a request counts for
constexpr std::uint32_t kPongs = 16;           // each on its own, in one piece of input

/// What a failure of the reader's comes to.
Ending ending_of(ws::CloseCode code) {
  switch (code) {
    case ws::CloseCode::message_too_big:
      return Ending::message_size;
    case ws::CloseCode::policy_violation:
      return Ending::message_fragments;
    default:
      return Ending::protocol_error;
  }
}

}  // namespace

void ConnectionTable::take_input(Connection& connection, MutableBytes bytes, Source source) {
  if (reading_ != connection.id()) begin_share(connection);
  if (connection.held) {
    memory_.blocks.append(connection.held, bytes);
    work_off_held(connection);
  } else {
    source_ = source;
    const MutableBytes rest = work_off(connection, bytes);
    source_ = {};
    if (!rest.empty()) memory_.blocks.append(connection.held, rest);
  }
  if (connection.state.phase == Phase::closed) return;
  if (!takes_input(connection) || wants_direct(connection)) stop_receive(connection);
}

/// Returns what has to wait: for the rest of a request head, or for better times.
MutableBytes ConnectionTable::work_off(Connection& connection, MutableBytes input) {
  while (!input.empty() && connection.state.stall == Stall::none) {
    switch (connection.state.phase) {
      case Phase::introducing:
        if (!read_introduction(connection, input)) return input;
        break;
      case Phase::securing:
      case Phase::streaming:
      case Phase::lingering:
      case Phase::closed:
        return {};
      case Phase::head:
        if (!has_share(connection) || !read_head(connection, input)) return input;
        count_frames(kFramesPerRequest);
        break;
      case Phase::receiving:
        if (!has_share(connection)) return input;
        read_body(connection, input);
        break;
      case Phase::answering:
      case Phase::responding:
      case Phase::upgrading:
        return input;
      case Phase::open:
      case Phase::closing:
        read_frames(connection, input);
        break;
    }
  }
  return input;
}

/// Works off what was held back, and listens again, or hears the end again, if that was all.
void ConnectionTable::work_off_held(Connection& connection) {
  if (connection.held) {
    // Taken out meanwhile: what is called from here may end the connection, but not these bytes.
    Block* held = std::exchange(connection.held, nullptr);
    auto& [begin, end] = held->used;
    const MutableBytes rest =
        work_off(connection, {held->data() + begin, std::size_t{end} - begin});
    if (rest.empty()) {
      memory_.blocks.give(held);
    } else {
      begin = end - static_cast<std::uint32_t>(rest.size());
      connection.held = held;
    }
  }
  decrypt_held(connection);
  if (connection.state.peer_ended)
    on_stream_end(connection);
  else
    arm_receive(connection);
}

/// Between messages there is nothing to remember, so only who is within one has a ReaderState.
void ConnectionTable::read_frames(Connection& connection, MutableBytes& input) {
  ws::ReaderState*& reader = connection.state.reader;
  if (connection.policy->echo && echo_run(connection, input)) return;
  if (!reader) reader = readers_.take({});
  read_events(connection, input);
  if (!reader || !reader->idle()) return;
  readers_.give(reader);
  reader = nullptr;
}

ws::ReaderContext ConnectionTable::reader_context(const Connection& connection) {
  const ws::DeflateAgreement& deflate = connection.deflate();
  return {.pool = memory_.blocks,
          .message_size = connection.policy->message_size,
          .role = ws::Role::server,
          .inflaters = deflate.on ? &memory_.inflaters : nullptr,
          .takeover = deflate.client_takeover,
          .window_bits = deflate.client_window_bits,
          .message_fragments = connection.policy->message_fragments,
          .inflation_left = &inflation_left_,
          .frames_left = &frames_left_};
}

void ConnectionTable::read_events(Connection& connection, MutableBytes& input) {
  const ws::ReaderContext context = reader_context(connection);
  ConnectionState& state = connection.state;
  PingFlood flood;
  flood.pings = pings_before_;
  while (state.stall == Stall::none) {
    if (connection.policy->echo && echo_run(connection, input)) continue;
    const ws::Event event = ws::next(*state.reader, input, context);
    if (!within_rate(connection, event)) return;
    switch (event.kind) {
      case ws::Event::Kind::none:
        answer_flood(connection, flood);
        return;
      case ws::Event::Kind::message:
        take_message(connection, event);
        break;
      case ws::Event::Kind::ping:
        answer_ping(connection, event, flood);
        break;
      case ws::Event::Kind::pong:
        connection.pinged = {};
        memory_.blocks.give(event.block);
        break;
      case ws::Event::Kind::close:
        answer_flood(connection, flood);
        on_close_frame(connection, event);
        return;
      case ws::Event::Kind::paused:
        wait_for_turn(connection);
        answer_flood(connection, flood);
        return;
      case ws::Event::Kind::failure:
        fail(connection, event.code, event.reason, ending_of(event.code));
        return;
    }
  }
  answer_flood(connection, flood);
}

void ConnectionTable::take_message(Connection& connection, const ws::Event& event) {
  connection.last_message = now();
  silent_turns_ = 0;
  if (connection.state.phase != Phase::open) {
    memory_.blocks.give(event.block);  // we have said goodbye already
  } else if (connection.policy->echo) {
    handler_.on_echo(connection, 1);
    echo(connection, event);
  } else {
    handler_.on_message(connection, event);
  }
}

/// A few octets may be a lot of work: they inflate to many, or are many frames. Who has had a share
/// of a turn waits in line for the next.
void ConnectionTable::wait_for_turn(Connection& connection) {
  if (connection.state.stall != Stall::none) return;
  connection.state.stall = Stall::turn;
  in_line_.push_back({connection.id(), pings_before_});
}

void ConnectionTable::count_frames(std::size_t frames) {
  frames_left_ -= std::min(frames_left_, frames);
}

/// Whether there is any left of its share of this turn; else it waits for the next.
bool ConnectionTable::has_share(Connection& connection) {
  if (frames_left_ == 0) wait_for_turn(connection);
  return frames_left_ > 0;
}

/// Gives one share of this turn to those in line.
void ConnectionTable::serve_line() {
  inflation_left_ = share_of(kInflatedInLine);
  frames_left_ = share_of(kFramesPerTurn);
  for (std::size_t waiting = in_line_.size(); waiting > 0; --waiting) {
    if (inflation_left_ == 0 || frames_left_ == 0) break;
    const InLine next = in_line_.pop_front();
    Connection* connection = connections_.find(next.id);
    if (!connection || connection->state.stall != Stall::turn) continue;
    connection->state.stall = Stall::none;
    pings_before_ = next.pings;
    reading_ = next.id;
    work_off_held(*connection);
  }
  pings_before_ = 0;
}

/// Of a turn that begins. What comes now to be inflated goes to the end of the line.
void ConnectionTable::begin_shares() {
  reading_ = {};
  inflation_left_ = 0;
  inflation_unshared_ = in_line_.empty() ? kInflatedPerTurn : 0;
}

void ConnectionTable::begin_share(const Connection& connection) {
  reading_ = connection.id();
  frames_left_ = kFramesPerTurn;
  inflation_unshared_ += inflation_left_;
  inflation_left_ = std::min(kInflatedAtOnce, inflation_unshared_);
  inflation_unshared_ -= inflation_left_;
}

/// False when the client sends more than it may; the connection ends then. Control frames count,
/// or pings would come for nothing, but not the pong that we have asked for.
bool ConnectionTable::within_rate(Connection& connection, const ws::Event& event) {
  using Kind = ws::Event::Kind;
  const Rate& rate = connection.policy->message_rate;
  if (!rate.limited() || connection.state.phase != Phase::open) return true;
  const bool asked_for = event.kind == Kind::pong && connection.pinged.known();
  const bool counts = event.kind == Kind::message || event.kind == Kind::ping ||
                      (event.kind == Kind::pong && !asked_for);
  if (!counts || rate.take(connection.state.paid, now())) return true;
  memory_.blocks.give(event.block);
  fail(connection, ws::CloseCode::policy_violation, "too many messages", Ending::message_rate);
  return false;
}

void ConnectionTable::answer_ping(Connection& connection, const ws::Event& ping, PingFlood& flood) {
  if (connection.state.phase != Phase::open) {
    memory_.blocks.give(ping.block);  // after a close frame nothing is sent
  } else if (++flood.pings <= kPongs) {
    send_back(connection, ws::Opcode::pong, ping);
  } else {
    std::ranges::copy(ping.payload, flood.last.begin());
    flood.size = static_cast<std::uint8_t>(ping.payload.size());
    memory_.blocks.give(ping.block);
  }
}

void ConnectionTable::answer_flood(Connection& connection, const PingFlood& flood) {
  // Who goes on in the next share of a turn goes on counting.
  if (connection.state.stall == Stall::turn && in_line_.back().id == connection.id())
    in_line_.back().pings = std::min(flood.pings, kPongs);
  if (flood.pings <= kPongs || connection.state.phase != Phase::open) return;
  push_frame(connection, ws::Opcode::pong, Bytes(flood.last).first(flood.size));
  mark_due(connection);
}

void ConnectionTable::on_close_frame(Connection& connection, const ws::Event& event) {
  ConnectionState& state = connection.state;
  if (state.phase == Phase::open) {
    note_ending(connection, Ending::client);
    send_close(connection, event.code, {});
    state.closed_by_peer = true;
  }
  memory_.blocks.give(event.block);
  linger(connection);
}

/// Section 7.1.7: the peer broke the protocol. What is queued still goes out before the close.
void ConnectionTable::fail(Connection& connection, ws::CloseCode code, std::string_view reason,
                           Ending ending) {
  note_ending(connection, ending, ending == Ending::protocol_error ? reason : std::string_view());
  if (connection.state.phase == Phase::open) send_close(connection, code, reason);
  linger(connection);
}

/// The peer will send no more. What it asked for is still sent, and what waits is worked off first.
void ConnectionTable::on_stream_end(Connection& connection) {
  ConnectionState& state = connection.state;
  state.peer_ended = true;
  const bool gave_up = state.phase == Phase::answering && connection.exchange->ends_with_client;
  if (has_input_waiting(connection) && !gave_up) return;
  switch (state.phase) {
    case Phase::receiving:
      refuse(connection, {.status = 400, .reason = "the body ends too soon"}, Ending::lost);
      break;
    case Phase::answering:
      if (!gave_up) break;  // answered first, then heard again
      note_ending(connection, Ending::client);
      linger(connection);
      break;
    case Phase::streaming:
      end_stream(connection, nullptr, 0, Ending::client);
      break;
    case Phase::responding:
      state.keep_alive = false;
      break;
    case Phase::introducing:
    case Phase::securing:
    case Phase::head:
    case Phase::open:
    case Phase::closing:
      note_ending(connection, state.phase == Phase::head ? Ending::client : Ending::lost);
      linger(connection);
      break;
    case Phase::upgrading:
      break;  // answered first, then heard again
    case Phase::lingering:
      mark_due(connection);
      break;
    case Phase::closed:
      break;
  }
}

}  // namespace peal::conn
