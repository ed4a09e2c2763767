// SPDX-License-Identifier: Apache-2.0
// A server's frames, without a socket: messages as they come, never gathered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/ws/deflate.h"
#include "core/ws/protocol.h"
#include "loadtest/message_sink.h"

namespace peal::loadtest {

/// The compressed message that was read last, and what it gave. A broadcast is often compressed
/// once for all, and what has the same octets need not be inflated for each subscriber.
struct Inflated {
  static constexpr std::size_t kMost = 64 << 10;  ///< bytes of what came out; else it is not kept

  std::vector<std::byte> packed;
  std::vector<std::byte> plain;
};

/// What one call of FrameReader::read() needs besides; the same for all connections of a worker.
struct FrameContext {
  ws::InflaterPool* inflaters = nullptr;
  MutableBytes inflated;     ///< room for what compressed messages give
  Inflated* last = nullptr;  ///< null: nothing is kept
};

/// Reads frames as a client has to (RFC 6455 section 5), and compressed messages (RFC 7692). Where
/// core/ws gathers a message this one hands on its pieces, so that checking a message of any size
/// reads it once and copies nothing.
///
/// Owner: a connection. Thread: the worker's. Errors: what the server did wrong, a static string.
class FrameReader {
 public:
  FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// What was agreed in the opening handshake.
  void set_deflate(bool on, bool takeover, std::uint8_t window_bits);

  /// Reads all of `input`. Null when it is right so far; after an error there is no going on.
  const char* read(Bytes input, const FrameContext& context, MessageSink& sink);

  /// Gives an inflater back that a message or a context holds.
  void end(const FrameContext& context);

 private:
  const char* begin_frame(Bytes& input);
  const char* take_payload(Bytes& input, const FrameContext& context, MessageSink& sink);
  void take_control(Bytes piece, MessageSink& sink);
  const char* inflate_whole(Bytes packed, const FrameContext& context, MessageSink& sink);
  const char* inflate(Bytes piece, bool last, const FrameContext& context, MessageSink& sink);
  void hand_on(Bytes piece, bool last, MessageSink& sink);

  std::uint64_t frame_left_ = 0;  // payload octets of this frame yet to come
  std::uint64_t offset_ = 0;      // of the message, inflated
  ws::Inflater* inflater_ = nullptr;
  ws::Opcode frame_opcode_ = ws::Opcode::continuation;
  ws::Opcode message_opcode_ = ws::Opcode::continuation;  // that, too, between messages
  bool in_frame_ = false;
  bool fin_ = false;
  bool compressed_ = false;  // the message is
  bool deflate_ = false;
  bool takeover_ = false;
  std::uint8_t window_bits_ = ws::kMaxWindowBits;
  std::uint8_t held_size_ = 0;  // octets of a header or of a control payload in held_
  std::array<std::byte, ws::kMaxControlPayload> held_;
};

}  // namespace peal::loadtest
