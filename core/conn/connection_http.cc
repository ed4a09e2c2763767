// SPDX-License-Identifier: Apache-2.0
// HTTP: request heads and bodies in, and what the handler may answer to them.
#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/conn/connection_table.h"
#include "core/ws/frame_header.h"

namespace peal::conn {
namespace {

/// Moves `more`, which lies behind `payload` in the same memory, up to it.
MutableBytes join(MutableBytes payload, MutableBytes more) {
  if (payload.empty()) return more;
  if (!more.empty()) std::memmove(payload.data() + payload.size(), more.data(), more.size());
  return {payload.data(), payload.size() + more.size()};
}

}  // namespace

// ---- Requests ----------------------------------------------------------------------------------

/// False when octets of the head are missing.
bool ConnectionTable::read_head(Connection& connection, MutableBytes& input) {
  using Outcome = http::RequestParser::Outcome;
  http::HeadScan& scan = connection.state.scan;
  // RFC 9112 section 2.2. Kept, one behind a body would be the beginning of a request.
  if (!scan.dropped && as_text(input).starts_with("\r\n")) {
    scan.dropped = true;
    input = input.subspan(2);
  }
  switch (parser_.parse(as_text(input), scan, limits_.header_size)) {
    case Outcome::need_more:
      return false;
    case Outcome::failure:
      refuse(connection, parser_.failure(), Ending::bad_request);
      break;
    case Outcome::request:
      input = input.subspan(parser_.request().head_size);
      handler_.on_request(connection, parser_.request());
      if (connection.state.phase == Phase::receiving) begin_body(connection, input);
      break;
  }
  return true;
}

/// RFC 9110 section 10.1.1: whoever has begun to send does not wait to be told.
void ConnectionTable::begin_body(Connection& connection, MutableBytes& input) {
  const bool waits = parser_.request().expects_continue && input.empty();
  read_body(connection, input);
  if (!waits || connection.state.phase != Phase::receiving) return;
  const Bytes go_on = as_bytes("HTTP/1.1 100 Continue\r\n\r\n");
  Block* block = memory_.blocks.take(go_on.size());
  std::memcpy(block->data(), go_on.data(), go_on.size());
  connection.push_block(memory_, block, {block->data(), go_on.size()});
  mark_due(connection);
}

/// A body that lies whole in the input stays there, its chunks moved together.
void ConnectionTable::read_body(Connection& connection, MutableBytes& input) {
  using Outcome = http::BodyReader::Outcome;
  Exchange& exchange = *connection.exchange;
  MutableBytes payload;
  // Its end is found with no more input, so that is looked for whatever is left of the share.
  while (frames_left_ > 0 || input.empty()) {
    const http::BodyReader::Step step = exchange.reader.next(input);
    switch (step.outcome) {
      case Outcome::payload:
        payload = join(payload, step.payload);
        count_frames(1);
        break;
      case Outcome::need_more:
        keep_body(exchange, payload);
        return;
      case Outcome::done:
        if (exchange.block) keep_body(exchange, payload);
        hand_over_body(connection, payload);
        return;
      case Outcome::failure:
        refuse(connection, exchange.reader.failure(), Ending::bad_request);
        return;
    }
  }
  keep_body(exchange, payload);
}

/// Puts a piece of a body behind what there is of it, in a block that grows with what has come.
void ConnectionTable::keep_body(Exchange& exchange, Bytes payload) {
  if (payload.empty()) return;
  const std::size_t kept = ws::kMaxServerHeader + exchange.size;
  const std::size_t needed = kept + payload.size();
  if (!exchange.block || needed > exchange.block->capacity) {
    const std::uint64_t twice = exchange.block ? std::uint64_t{2} * exchange.block->capacity : 0;
    const std::uint64_t most = needed + exchange.reader.most_left();
    Block* larger = memory_.blocks.take(std::clamp<std::uint64_t>(twice, needed, most));
    if (exchange.block) std::memcpy(larger->data(), exchange.block->data(), kept);
    memory_.blocks.give(exchange.block);
    exchange.block = larger;
  }
  std::memcpy(exchange.block->data() + kept, payload.data(), payload.size());
  exchange.size += payload.size();
}

/// `payload`: the whole body, unless there is a block.
void ConnectionTable::hand_over_body(Connection& connection, MutableBytes payload) {
  Exchange& exchange = *connection.exchange;
  Block* block = std::exchange(exchange.block, nullptr);
  if (block) payload = {block->data() + ws::kMaxServerHeader, exchange.size};
  answer_later(connection, now() + limits_.handshake_timeout, false);
  handler_.on_body(connection, payload, block);
  // Whoever works off input goes on by itself after this.
  if (connection.exchange) connection.exchange->input_waits = false;
}

void ConnectionTable::time_out_head(Connection& connection) {
  const ConnectionState& state = connection.state;
  // What it asks has come, and waits for us.
  if (!state.sends && state.stall != Stall::none) connection.since = now();
  if (has_time(connection, head_time(connection))) return;
  const bool began = connection.held != nullptr;
  const bool between = !began && state.answered;
  const bool told = state.leaves && !began;
  note_ending(connection, told      ? Ending::server
                          : between ? Ending::idle
                                    : Ending::handshake_timeout);
  if (began)
    refuse(connection, {.status = 408, .reason = "the request did not arrive in time"},
           Ending::handshake_timeout);
  else if (connection.all_sent() && !connection.secure)
    terminate(connection, false);  // idle between requests, or never said a word
  else
    linger(connection);  // still reads the answers to earlier requests, or is owed a close_notify
}

void ConnectionTable::answer_due(Connection& connection) {
  handler_.on_answer_due(connection);
  const bool owed = connection.state.phase == Phase::answering;
  if (owed && connection.exchange->deadline <= now()) terminate(connection, true);
}

// ---- Answers -----------------------------------------------------------------------------------

bool ConnectionTable::may_answer(const Connection& connection) const {
  const Phase phase = connection.state.phase;
  return phase == Phase::head || phase == Phase::receiving || phase == Phase::answering;
}

void ConnectionTable::refuse(Connection& connection, const http::Failure& failure, Ending ending) {
  note_ending(connection, ending, failure.reason);
  const auto fields = handler_.on_request_refused(connection, failure.status);
  constexpr std::size_t kRoom = 2048;
  Block* block = memory_.blocks.take(kRoom);
  const std::size_t size =
      http::error_response({block->data(), kRoom}, failure, ::time(nullptr), fields);
  respond(connection, block, size, false);
}

Exchange& ConnectionTable::exchange(Connection& connection) {
  PEAL_DCHECK(may_answer(connection));
  if (!connection.exchange) connection.exchange = handler_.make_exchange();
  return *connection.exchange;
}

void ConnectionTable::receive_body(Connection& connection, const http::Request& request,
                                   std::uint64_t limit) {
  Exchange& kept = exchange(connection);
  kept.reader = {request, std::min(limit, ws::kMaxMessageSize)};
  kept.size = 0;
  enter(connection, Phase::receiving);
}

void ConnectionTable::answer_later(Connection& connection, Instant deadline,
                                   bool ends_with_client) {
  Exchange& kept = exchange(connection);
  kept.deadline = deadline;
  kept.ends_with_client = ends_with_client;
  enter(connection, Phase::answering);
}

void ConnectionTable::respond(Connection& connection, Block* block, std::size_t size,
                              bool keep_alive) {
  PEAL_CHECK(size > 0);
  if (!may_answer(connection)) {
    memory_.blocks.give(block);
    return;
  }
  PEAL_DCHECK(!keep_alive || connection.state.phase != Phase::receiving);
  if (connection.exchange) connection.exchange->input_waits = true;
  connection.push_block(memory_, block, {block->data(), size});
  connection.state.answered = true;
  if (keep_alive) {
    enter(connection, Phase::head);
  } else {
    note_ending(connection, Ending::answered);
    linger(connection);
  }
  stall_if_full(connection);
  mark_due(connection);
}

void ConnectionTable::respond_file(Connection& connection, Block* block, std::size_t size,
                                   bool keep_alive, FileBody body) {
  if (body.left == 0 || !may_answer(connection)) {
    respond(connection, block, size, keep_alive);
    return;
  }
  PEAL_CHECK(size > 0);
  connection.push_block(memory_, block, {block->data(), size});
  exchange(connection).file = std::move(body);
  connection.state.keep_alive = keep_alive;
  connection.state.answered = true;
  enter(connection, Phase::responding);
  mark_due(connection);
}

void ConnectionTable::upgrade(Connection& connection, const RoutePolicy& policy, Block* block,
                              std::size_t size) {
  send_head(connection, policy, block, size, false);
}

void ConnectionTable::stream(Connection& connection, const RoutePolicy& policy, Block* head,
                             std::size_t size) {
  send_head(connection, policy, head, size, true);
}

void ConnectionTable::observe_handshake(const Connection& connection) {
  counters_.handshake.observe(std::chrono::microseconds(microseconds() - connection.accepted));
}

/// The end of HTTP, one way or the other.
void ConnectionTable::send_head(Connection& connection, const RoutePolicy& policy, Block* head,
                                std::size_t size, bool streams) {
  PEAL_CHECK(size > 0);
  PEAL_DCHECK(may_answer(connection));
  if (!connection.state.answered) observe_handshake(connection);
  connection.push_block(memory_, head, {head->data(), size});
  connection.policy = &policy;
  connection.exchange.reset();
  connection.state.streams = streams;
  enter(connection, Phase::upgrading);
}

}  // namespace peal::conn
