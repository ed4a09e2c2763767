// SPDX-License-Identifier: Apache-2.0
// The way out: answers into the outbox, the outbox to the socket at the end of the turn.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/conn/connection_table.h"
#include "core/ws/close_frame.h"
#include "core/ws/frame_header.h"

namespace peal::conn {
namespace {

// So that no turn lasts much longer than some 100 microseconds.
constexpr int kAnswersPerTurn = 128;
constexpr std::size_t kDeliveriesPerTurn = 8;  // of a usual share
constexpr int kSendsPerSettle = 2;
constexpr unsigned kAcceptsBesideMessages = 2;
// While it is quiet, larger batches: they cost a tenth less.
constexpr std::size_t kDeliveriesPerQuietTurn = 256;
constexpr std::size_t kHttpQueue = 64 << 10;     // bytes of responses waiting, before a policy
constexpr std::size_t kMergeBytes = 8 << 10;     // up to here copying is cheaper than gathering
constexpr std::size_t kGatherSegments = 64;      // of one sendmsg(2)
constexpr std::size_t kGatherBytes = 256 << 10;  // of one sendmsg(2)
constexpr std::size_t kEncodeBytes = 16 << 10;   // compressed for one send, or one message
constexpr std::size_t kLocalBytes = 32 << 10;    // of one send to a Unix socket
constexpr std::size_t kFileChunk = (64 << 10) - sizeof(Block);  // bytes read from a file at once

}  // namespace

void ConnectionTable::mark_due(Connection& connection) {
  due_.add_answer(connection);
}

/// For the rest of what was sent in part: a long one lets the answers of others go first.
void ConnectionTable::mark_rest(Connection& connection) {
  const hub::Segment* first = connection.first();
  const bool published = first && first->keeper == hub::Segment::Keeper::message;
  if (published || connection.state.phase == Phase::responding)
    due_.add_delivery(connection);
  else
    due_.add_answer(connection);
}

std::size_t ConnectionTable::queue_limit(const Connection& connection) const {
  return connection.policy ? connection.policy->outbox.queue_size : kHttpQueue;
}

/// A client that asks without reading the answers is not listened to until it has read some.
void ConnectionTable::stall_if_full(Connection& connection) {
  if (connection.cost() >= queue_limit(connection) && connection.state.stall == Stall::none)
    connection.state.stall = Stall::queue;
}

/// Half of its queue is free again.
bool ConnectionTable::reads_again(const Connection& connection) const {
  return connection.cost() <= queue_limit(connection) / 2;
}

// ---- Answers -----------------------------------------------------------------------------------

void ConnectionTable::send_text(Connection& connection, std::string_view text) {
  const Phase phase = connection.state.phase;
  if (phase != Phase::upgrading && phase != Phase::open) return;
  push_frame(connection, ws::Opcode::text, as_bytes(text));
  stall_if_full(connection);
  mark_due(connection);
}

void ConnectionTable::push_frame(Connection& connection, ws::Opcode opcode, Bytes payload) {
  Block* block = memory_.blocks.take(ws::kMaxServerHeader + payload.size());
  std::byte* to = block->data() + ws::kMaxServerHeader;
  if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
  std::byte* begin = ws::write_server_header_before(to, opcode, true, payload.size());
  connection.push_block(memory_, block, {begin, to + payload.size()});
}

void ConnectionTable::send_close(Connection& connection, ws::CloseCode code,
                                 std::string_view reason) {
  std::array<std::byte, ws::kMaxControlPayload> payload;
  push_frame(connection, ws::Opcode::close, ws::write_close_payload(payload, code, reason));
  mark_due(connection);
  connection.shut();
  connection.state.close_code = static_cast<std::uint16_t>(code);
}

// ---- The end of the turn -----------------------------------------------------------------------

/// Who has asked for something gets it before any share of a turn is given to what takes long, and
/// of that there is one a turn: so somebody who asks waits for little more than one share.
bool ConnectionTable::flush() {
  const bool works = handler_.on_turn_end();
  const bool answered = settle_answers();
  const bool line = !in_line_.empty(), deliveries = due_.has_deliveries();
  if (answered && (line || deliveries)) reactor_.backend().submit();
  measure_share();
  line_next_ = line && (line_next_ || !deliveries);
  if (line_next_)
    serve_line();
  else if (deliveries)
    settle_deliveries();
  line_next_ = !line_next_;
  begin_shares();
  serve_bulk();
  share_accepts();
  return works || !due_.empty() || !in_line_.empty() || !bulk_line_.empty();
}

/// Who sends messages waits for fewer newcomers at once, which makes each of them a tenth dearer.
void ConnectionTable::share_accepts() {
  const bool silent = silent_turns_ == kQuietTurns;
  reactor_.backend().accept_at_most(silent ? io::Backend::kMostAccepts : kAcceptsBesideMessages);
  if (!silent) ++silent_turns_;
}

/// Less when the turn has been long already, but a fifth of it where that is not too much.
void ConnectionTable::measure_share() {
  const Duration passed = reactor_.read_clock() - now();
  share_ = passed < kLongTurn ? kUsualShare : std::clamp(passed / 4, kLeastShare, kMostShare);
}

bool ConnectionTable::settle_answers() {
  int answers = 0;
  for (; answers < kAnswersPerTurn; ++answers) {
    hub::Outbox* outbox = due_.pop_answer();
    if (!outbox) break;
    settle(static_cast<Connection&>(*outbox));
  }
  quiet_turns_ = answers > 0 ? 0 : std::min(quiet_turns_ + 1, kQuietTurns);
  return answers > 0;
}

void ConnectionTable::settle_deliveries() {
  const bool quiet = is_quiet();
  const Instant end = reactor_.read_clock() + share_;
  for (std::size_t i = quiet ? kDeliveriesPerQuietTurn : share_of(kDeliveriesPerTurn); i > 0; --i) {
    hub::Outbox* outbox = due_.pop_delivery();
    if (!outbox) break;
    settle(static_cast<Connection&>(*outbox));
    if (!quiet && reactor_.read_clock() >= end) break;
  }
}

/// Does what has become due for one connection, whatever made it due.
void ConnectionTable::settle(Connection& connection) {
  ConnectionState& state = connection.state;
  if (state.phase == Phase::closed) {
    if (!connection.receiving && !connection.sending()) destroy(connection);
    return;
  }
  if (state.phase == Phase::upgrading && !state.topics_ready) return;
  if (state.phase == Phase::answering && connection.topics) {
    handler_.on_topics_due(connection);
    if (state.phase == Phase::answering && connection.fresh()) return;
  }
  if (connection.take_fresh()) connection.last_message = now();
  go_on(connection);
  if (connection.overflowed()) end_slow_client(connection);
  if (state.phase == Phase::closed) return;  // since a moment ago
  if (state.phase == Phase::responding) refill(connection);
  write(connection);
  if (state.stall == Stall::queue && reads_again(connection)) {
    state.stall = Stall::none;
    work_off_held(connection);
  }
  if (connection.wants_room() && reads_again(connection)) handler_.on_room(connection);
  if (connection.all_sent()) finish(connection);
}

/// What waited for topics, or for an answer, has come.
void ConnectionTable::go_on(Connection& connection) {
  ConnectionState& state = connection.state;
  bool input_waits = connection.exchange && std::exchange(connection.exchange->input_waits, false);
  if (state.phase == Phase::upgrading) {
    enter(connection, state.streams ? Phase::streaming : Phase::open);
    input_waits = true;
  } else if (state.phase == Phase::closing && std::exchange(state.topics_ready, false)) {
    input_waits = true;
  }
  if (input_waits) work_off_held(connection);
}

/// A stream cannot say why it ends.
void ConnectionTable::end_slow_client(Connection& connection) {
  if (connection.state.phase == Phase::streaming) {
    terminate(connection, true, Ending::slow_client);
  } else if (connection.state.phase == Phase::open) {
    connection.drop_messages(memory_);
    close(connection, ws::CloseCode::policy_violation, "too slow: the queue is full",
          Ending::slow_client);
  }
}

void ConnectionTable::write(Connection& connection) {
  for (int i = 0; i < kSendsPerSettle; ++i) {
    if (connection.sending() || connection.all_sent()) return;
    connection.encode_front(memory_, kEncodeBytes,
                            [&](Bytes frame) { return compress(connection, frame); });
    const std::optional<int> result =
        connection.secure ? start_secure_send(connection) : start_send(connection);
    if (!result || !after_send(connection, *result)) return;
  }
  mark_rest(connection);
}

/// The frame of a message as this client alone gets it.
ws::Compressor::Frame ConnectionTable::compress(Connection& connection, Bytes frame) {
  const ws::FrameHeader header = ws::decode_header(frame, ws::Role::client);
  const Bytes payload = frame.subspan(header.size);
  const ws::DeflateAgreement& deflate = connection.deflate();
  ws::Compressor& compressor = memory_.compressor;
  return deflate.server_takeover
             ? compressor.compress(header.opcode, payload, deflate.server_window_bits,
                                   connection.deflater)
             : compressor.compress(header.opcode, payload, deflate.server_window_bits);
}

/// Makes one of the small segments at the front.
void ConnectionTable::merge_small(Connection& connection) {
  std::size_t segments = 0;
  std::size_t bytes = 0;
  for (const hub::Segment* next = connection.first();
       next && !next->encode && bytes + next->size <= kMergeBytes; next = next->next) {
    ++segments;
    bytes += next->size;
  }
  if (segments > 1) connection.merge(memory_, segments, bytes);
}

/// On a Unix socket only the end of a send shows that its client reads, and after it that all of a
/// send was read; so none is long.
std::optional<int> ConnectionTable::start_send(Connection& connection) {
  merge_small(connection);
  const hub::Segment* first = connection.first();
  const hub::Segment* next = first->next;
  const std::size_t whole = connection.state.local ? kLocalBytes : kGatherBytes;
  if (next && !next->encode && first->size < whole) return send_gathered(connection);
  connection.pin(1);
  const std::size_t size =
      connection.state.local ? std::min<std::size_t>(first->size, whole) : first->size;
  return reactor_.backend().send(connection.fd, connection.id(), Bytes{first->data, size});
}

std::optional<int> ConnectionTable::send_gathered(Connection& connection) {
  std::array<iovec, kGatherSegments> parts;
  std::size_t segments = 0;
  std::size_t bytes = 0;
  const std::size_t most = connection.state.local ? kLocalBytes : std::size_t{kGatherBytes};
  for (const hub::Segment* next = connection.first();
       next && !next->encode && segments < kGatherSegments && bytes < most; next = next->next) {
    const std::size_t size =
        connection.state.local ? std::min<std::size_t>(next->size, most - bytes) : next->size;
    parts[segments++] = {.iov_base = next->data, .iov_len = size};
    bytes += size;
  }
  connection.pin(segments);
  return reactor_.backend().send(connection.fd, connection.id(),
                                 std::span<const iovec>(parts.data(), segments));
}

void ConnectionTable::on_send(SlotId id, int result) {
  Connection* connection = connections_.find(id);
  PEAL_CHECK(connection);  // a slot lives as long as a send is under way
  if (!after_send(*connection, result)) return;
  ConnectionState& state = connection->state;
  if (state.stall == Stall::queue && !holds_input(*connection) && reads_again(*connection))
    state.stall = Stall::none;  // before its next message comes, which would have to be held
  const bool in_flow = state.phase == Phase::open || state.phase == Phase::streaming;
  const bool waits = state.stall != Stall::none || connection->wants_room();
  if (!connection->all_sent() || !in_flow || waits) mark_rest(*connection);
}

/// False when the connection is over.
bool ConnectionTable::after_send(Connection& connection, int result) {
  const auto bytes = static_cast<std::size_t>(std::max(result, 0));
  count_sent(connection, bytes);
  if (connection.secure)
    connection.secure->sent(memory_.blocks, bytes);
  else
    connection.sent(memory_, bytes);
  // The last bytes of a queue may lie in the kernel still; room for more shows that the peer reads.
  const bool more = !connection.all_sent() || connection.state.phase == Phase::responding;
  const bool streaming = connection.state.phase == Phase::streaming;
  if (result > 0 && more) note_taken(connection);
  // Where nobody acknowledges, as on a socket that is not TCP, no more than this is to be known.
  if (result > 0 && !more && streaming && connection.acknowledged == 0) connection.pinged = {};
  if (result < 0) terminate(connection, true, Ending::lost);
  if (connection.state.phase != Phase::closed) return true;
  mark_due(connection);
  return false;
}

/// Keeps a few chunks of a response's file in the outbox.
void ConnectionTable::refill(Connection& connection) {
  FileBody& body = connection.exchange->file;
  while (body.left > 0 && connection.bytes() < 2 * kFileChunk) {
    Block* block = memory_.blocks.take(kFileChunk);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kFileChunk, body.left));
    const ssize_t got =
        ::pread(body.file.get(), block->data(), wanted, static_cast<off_t>(body.offset));
    if (got <= 0) {  // shorter than promised: only a broken connection can say so now
      memory_.blocks.give(block);
      terminate(connection, true);
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    connection.push_block(memory_, block, {block->data(), size});
    body.offset += size;
    body.left -= size;
  }
}

/// All that was queued is sent.
void ConnectionTable::finish(Connection& connection) {
  ConnectionState& state = connection.state;
  if (state.phase == Phase::open) return;
  if (state.phase == Phase::responding) {
    if (connection.exchange->file.left > 0) {
      mark_rest(connection);
      return;
    }
    connection.exchange->file = {};
    if (state.keep_alive) {
      enter(connection, Phase::head);
      work_off_held(connection);
      return;
    }
    note_ending(connection, Ending::answered);
    linger(connection);
  }
  const bool lingers = state.phase == Phase::lingering;
  if (lingers && connection.secure && connection.secure->say_goodbye()) {
    mark_due(connection);
    return;
  }
  if (state.sends) {
    state.sends = false;
    connection.since = now();
  }
  if (!lingers) return;
  if (state.peer_ended) {
    terminate(connection, false);
  } else if (!state.write_shut) {
    state.write_shut = true;
    reactor_.backend().shut_down(connection.fd, SHUT_WR);
    arm_receive(connection);
  }
}

}  // namespace peal::conn
