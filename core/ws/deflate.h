// SPDX-License-Identifier: Apache-2.0
// Compressed messages (RFC 7692 section 7.2), by zlib. What both directions need of it is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/ws/permessage_deflate.h"
#include "core/ws/protocol.h"

struct z_stream_s;  // zlib's

namespace peal::ws {

/// What the whole process lays down for compression.
struct DeflateSettings {
  int level = 1;                        ///< zlib's, 1 to 9
  std::uint32_t min_size = 64;          ///< bytes; a shorter message is not worth it
  std::uint32_t max_size = 0xffffffff;  ///< bytes; a longer one takes too long at once
};

/// Compresses messages one after the other, each of which may refer back to those before it.
///
/// Owner: a Compressor, or a connection that has a context. Thread: the owner's.
/// Errors: none; out of memory ends the process. Limits: 268 KiB for a window of 2^15.
class Deflater {
 public:
  /// zlib takes 9 to 15 bits only.
  static constexpr std::uint8_t kMinBits = 9;

  Deflater(int level, std::uint8_t window_bits);
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  /// Forgets all messages before.
  void reset();

  /// Bytes that suffice for any message of `size` bytes.
  std::size_t bound(std::size_t size);

  /// Section 7.2.1. Returns the size at the front of `out`; 0 when it is too small, and then
  /// reset() must follow. Requires: a message that is not empty.
  std::size_t compress(Bytes message, MutableBytes out);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

/// The outgoing side of a shard: makes frames of messages.
///
/// Owner: a hub::Memory. Thread: the shard's. Limits: a Deflater for each window size in use.
class Compressor {
 public:
  /// A final frame in a block of the pool, which is the receiver's; none, without a block, when the
  /// message should go as it is.
  struct Frame {
    Block* block = nullptr;
    MutableBytes bytes = {};
  };

  Compressor(BlockPool& blocks, const DeflateSettings& settings)
      : blocks_(blocks), settings_(settings) {}

  /// Without a context. None when the message is below min_size or above max_size, does not get
  /// smaller, or is longer than a window of 2^8, for which zlib cannot compress.
  Frame compress(Opcode opcode, Bytes message, std::uint8_t window_bits);

  /// With the connection's own context, made when it is null. None when the message is below
  /// min_size or above max_size; otherwise the frame has to be sent, or the peer's window would
  /// lack it.
  Frame compress(Opcode opcode, Bytes message, std::uint8_t window_bits,
                 std::unique_ptr<Deflater>& context);

  /// For messages from now on; connections that have a context go on with its level.
  void set(const DeflateSettings& settings);

  /// How many messages have been compressed.
  std::uint64_t compressions() const { return compressions_; }

 private:
  bool worthwhile(Bytes message) const;
  Frame compress(Opcode opcode, Bytes message, Deflater& deflater, std::size_t most);

  BlockPool& blocks_;
  DeflateSettings settings_;
  std::unique_ptr<Deflater> deflaters_[kMaxWindowBits + 1];  // by window bits
  std::uint64_t compressions_ = 0;
};

/// Decompresses messages one after the other, as their octets come in.
///
/// Owner: who took it from an InflaterPool. Thread: the owner's.
/// Limits: 7 KiB, and the window from the first message on that does not come in one piece.
class Inflater {
 public:
  enum class Outcome : std::uint8_t {
    drained,  ///< all input is used up
    full,     ///< there was no room for more output; there may be some without further input, too
    corrupt,  ///< not deflate; only reset() helps
  };
  struct Step {
    Outcome outcome = Outcome::drained;
    std::size_t size = 0;  ///< bytes at the front of the room
  };

  Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  /// Forgets everything.
  void reset(std::uint8_t window_bits);

  /// Inflates from the front of `input`, which it advances, into `room`. What follows a final block
  /// is taken as more of the same message (section 7.2.3.4).
  Step inflate(Bytes& input, MutableBytes room);

  /// What is still to be inflated when the payload of a message is at its end (section 7.2.2).
  /// Empty when there was none since the message or the last final block began: a message of no
  /// octets is taken for an empty one.
  Bytes tail() const;

  /// After the tail: false when the message ends inside a block.
  bool end_message();

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool untouched_ = true;  // nothing came in since the message, or the last final block, began
};

/// Inflaters for those who need one: while a message is read, or for as long as the peer keeps a
/// context.
///
/// Owner: a hub::Memory. Thread: the shard's. Limits: keeps kKept for the next taker.
class InflaterPool {
 public:
  InflaterPool();

  Inflater* take(std::uint8_t window_bits);
  /// Requires: `inflater` came from this pool; null is allowed and does nothing.
  void give(Inflater* inflater);

  /// How many are out.
  std::size_t out() const { return out_; }

 private:
  static constexpr std::size_t kKept = 16;

  std::vector<std::unique_ptr<Inflater>> spare_;
  std::size_t out_ = 0;
};

}  // namespace peal::ws
