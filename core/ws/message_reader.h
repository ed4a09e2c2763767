// SPDX-License-Identifier: Apache-2.0
// Octets to messages: a pull parser over the receive buffer, RFC 6455 sections 5 to 8.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/base/utf8.h"
#include "core/ws/permessage_deflate.h"
#include "core/ws/protocol.h"

namespace peal::ws {

class Inflater;
class InflaterPool;

/// What reading remembers between two pieces of input. Plain data, all zero when idle, but for the
/// inflater of a peer with context takeover; it may be copied as long as one copy only is used
/// further. Blocks and inflater are its own, out of their pools.
struct ReaderState {
  Block* message = nullptr;      ///< payload so far of a message in pieces, see Event::block
  Block* control = nullptr;      ///< the same of a control frame in pieces
  Inflater* inflater = nullptr;  ///< of a compressed message in pieces
  std::uint32_t message_size =
      0;  ///< bytes of payload in `message`, inflated; at most kMaxMessageSize
  std::uint32_t fragments = 0;   ///< frames of this message that have begun
  std::uint64_t frame_left = 0;  ///< payload bytes of this frame yet to come; 0 between frames
  std::uint32_t key = 0;         ///< of this frame, rotated for the next byte
  Utf8Validator text;            ///< of a text message in pieces
  Opcode message_opcode = Opcode::continuation;  ///< text or binary while a message is in pieces
  bool compressed = false;                       ///< the message in pieces is
  Opcode frame_opcode = Opcode::continuation;    ///< of this frame
  bool frame_fin = false;                        ///< of this frame
  std::uint8_t control_size = 0;                 ///< bytes of payload in `control`
  std::uint8_t header_size = 0;                  ///< octets in `header`
  std::array<std::byte, kMaxClientHeader - 1> header = {};  ///< of a header not yet complete

  friend bool operator==(const ReaderState&, const ReaderState&) = default;
  bool idle() const { return *this == ReaderState{}; }
  /// Whether the next octet begins a frame that begins a message, or a control frame.
  bool between_messages() const {
    return frame_left == 0 && header_size == 0 && message_opcode == Opcode::continuation;
  }
};
static_assert(sizeof(ReaderState) <= 64);

/// What a call of next() needs besides; the same for the life of a connection.
struct ReaderContext {
  BlockPool& pool;
  std::uint64_t message_size;  ///< bytes, the largest message taken; above kMaxMessageSize, that
  Role role;
  InflaterPool* inflaters = nullptr;             ///< null: permessage-deflate is not agreed
  bool takeover = false;                         ///< the peer's compressed messages may refer back
  std::uint8_t window_bits = kMaxWindowBits;     ///< the peer's
  std::uint32_t message_fragments = 0xffffffff;  ///< the most frames of one message
  /// Bytes that compressed messages may still be inflated to, less what comes out of them; each
  /// message takes kMessageShare besides. Null: any number.
  std::size_t* inflation_left = nullptr;
  /// Frames that may still begin, less those that do. Null: any number.
  std::size_t* frames_left = nullptr;
};

/// What a compressed message costs however short it is, in bytes that could be inflated instead.
constexpr std::size_t kMessageShare = 512;

constexpr std::uint64_t kMaxMessageSize = std::uint64_t{1} << 31;

struct Event {
  enum class Kind : std::uint8_t {
    none,     ///< the input is used up
    message,  ///< `opcode` (text or binary) and `payload`
    ping,     ///< `payload`
    pong,     ///< `payload`
    close,    ///< `code` (no_status when the frame had none); `payload` is the reason
    paused,   ///< what the ReaderContext allows is used up: call again with the rest of the input
    failure,  ///< the peer broke the protocol: `code` to close with, and `reason`
  };

  Kind kind = Kind::none;
  Opcode opcode = Opcode::continuation;
  CloseCode code = CloseCode::no_status;
  MutableBytes payload = {};
  /// Null: the payload lies in the input, and the header in front of it is the caller's to
  /// overwrite: write_server_header_before() finds its room there, with 4 bytes to spare when the
  /// peer is a client. Else the block that holds the payload, behind kMaxServerHeader bytes; it is
  /// the caller's, who gives it back to the pool.
  Block* block = nullptr;
  const char* reason = nullptr;  ///< a static string
  bool inflated = false;         ///< the message came compressed
};

/// Takes the next event off the front of `input`, which is unmasked in place, and advances `input`
/// past it. Events come in the order of their last octets, the same however the stream is cut into
/// pieces; an error comes with the first octet that makes it one.
///
/// A frame that is a whole message (or a control frame) and lies whole in `input` is neither copied
/// nor does it allocate. Any other payload gathers in a block, which grows with what has arrived,
/// not with what a header claims.
///
/// A compressed message is inflated into a block as its octets come, which grows with what they
/// give; its size limit, and the rules for text, are for what was inflated.
///
/// After `close` and `failure` the stream is at its end: call discard(), never next() again.
Event next(ReaderState& state, MutableBytes& input, const ReaderContext& context);

/// Whether `least` octets of a message's frame, or more, are yet to come, and could be written
/// where they belong instead of going through the input of next(): not those of a compressed one.
bool awaits_payload(const ReaderState& state, std::size_t least, const ReaderContext& context);

/// Where to: in the message's block, which grows as it does in next(). All but the frame's last
/// octet at most, so that every message comes from next(). Requires: awaits_payload() of two
/// octets.
MutableBytes room_for_payload(ReaderState& state, const ReaderContext& context);

/// `size` octets lie there, masked as they came. Null, or a static string that says what is wrong
/// with the text.
const char* take_payload(ReaderState& state, std::size_t size);

/// Gives back what `state` holds and makes it idle. `inflaters` as in ReaderContext.
void discard(ReaderState& state, BlockPool& pool, InflaterPool* inflaters = nullptr);

}  // namespace peal::ws
