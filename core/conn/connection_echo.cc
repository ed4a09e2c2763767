// SPDX-License-Identifier: Apache-2.0
// What goes back to where it came from.
#include <algorithm>
#include <cstring>

#include "core/conn/connection_table.h"
#include "core/ws/echo.h"
#include "core/ws/frame_header.h"

namespace peal::conn {
namespace {

constexpr std::size_t kDeflatedPerFrame = 8;  // bytes to compress that count as a frame to read

}  // namespace

void ConnectionTable::echo(Connection& connection, const ws::Event& message) {
  const ws::DeflateAgreement& deflate = connection.deflate();
  if (deflate.on && !deflate.server_takeover) {
    const auto [block, frame] =
        memory_.compressor.compress(message.opcode, message.payload, deflate.server_window_bits);
    if (block) {
      count_frames(message.payload.size() / kDeflatedPerFrame);
      memory_.blocks.give(message.block);
      connection.push_block(memory_, block, frame);
      stall_if_full(connection);
      mark_due(connection);
      return;
    }
  }
  // With a context, messages are compressed in the order in which they are sent.
  send_back(connection, message.opcode, message, deflate.server_takeover);
}

/// Those at the front of the input that need no look at each, which costs more than all else of a
/// short message. False when there are none.
bool ConnectionTable::echo_run(Connection& connection, MutableBytes& input) {
  const RoutePolicy& policy = *connection.policy;
  const ConnectionState& state = connection.state;
  if (state.phase != Phase::open || (state.reader && !state.reader->between_messages()) ||
      policy.message_rate.limited() || connection.deflate().on)
    return false;
  const std::size_t limit = queue_limit(connection);
  const auto [frames, messages] =
      ws::echo(input, {.message_size = policy.message_size,
                       .messages = frames_left_,
                       .bytes = limit - std::min(limit, connection.cost())});
  if (messages == 0) return false;
  handler_.on_echo(connection, messages);
  connection.last_message = now();
  silent_turns_ = 0;
  count_frames(messages);
  if (may_keep_input()) {
    connection.push_buffer(memory_, source_.buffer, frames);
  } else {
    Block* const block = memory_.blocks.take(frames.size());
    std::memcpy(block->data(), frames.data(), frames.size());
    connection.push_block(memory_, block, {block->data(), frames.size()});
  }
  stall_if_full(connection);
  mark_due(connection);
  return true;
}

/// Sends a payload back to where it came from, out of the memory it lies in.
void ConnectionTable::send_back(Connection& connection, ws::Opcode opcode, const ws::Event& event,
                                bool encode) {
  MutableBytes payload = event.payload;
  Block* block = event.block;
  const bool in_place = block || (may_keep_input() && !encode);
  if (!in_place) {
    block = memory_.blocks.take(ws::kMaxServerHeader + payload.size());
    std::byte* to = block->data() + ws::kMaxServerHeader;
    if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
    payload = {to, payload.size()};
  }
  std::byte* begin = ws::write_server_header_before(payload.data(), opcode, true, payload.size());
  const MutableBytes frame{begin, payload.data() + payload.size()};
  if (block)
    connection.push_block(memory_, block, frame, encode);
  else
    connection.push_buffer(memory_, source_.buffer, frame);
  stall_if_full(connection);
  mark_due(connection);
}

}  // namespace peal::conn
