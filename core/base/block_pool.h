// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace peal {

/// A run of bytes behind a small header. Owner: whoever took it from a BlockPool, until given back
/// to that same pool.
struct Block {
  std::uint32_t capacity;  ///< usable bytes at data()
  std::uint32_t rank;      ///< size class in its pool; BlockPool::kUncached when there is none
  struct Range {
    std::uint32_t begin, end;
  };
  union {
    Block* next;  ///< free for the owner to link with; the pool's while cached
    Range used;   ///< or for the owner to say which bytes at data() count
  };

  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

/// Memory for what outlives a turn: request heads in pieces, messages, responses. Blocks come in
/// powers of two and are kept for the next taker, so that a steady load allocates nothing. Large
/// ones are kSlack longer: what has just such a size fits with what goes before it.
///
/// Owner: a shard. Thread: the shard's. Errors: none; out of memory ends the process.
/// Limits: keeps at most `keep_bytes` of unused blocks, frees what is above.
class BlockPool {
 public:
  static constexpr std::size_t kMinBlock = 128;     ///< bytes, header included
  static constexpr std::size_t kRanks = 16;         ///< up to 4 MiB; larger ones are never kept
  static constexpr std::size_t kLarge = 128 << 10;  ///< bytes, without the slack
  static constexpr std::size_t kSlack = 64;         ///< bytes
  static constexpr std::uint32_t kUncached = 0xffffffff;

  explicit BlockPool(std::size_t keep_bytes) : keep_bytes_(keep_bytes) {}
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  /// A block of at least `capacity` bytes, contents undefined. Requires: capacity < 4 GiB - 64 KiB.
  Block* take(std::size_t capacity);

  /// Requires: `block` came from this pool; null is allowed and does nothing.
  void give(Block* block);

  /// Puts `bytes` behind those that Block::used names, in a larger block if need be; the first ones
  /// where `block` is null.
  void append(Block*& block, Bytes bytes);

  /// Bytes in blocks that are out, headers included.
  std::size_t bytes_out() const { return bytes_out_; }
  /// Bytes in unused blocks kept for the next taker.
  std::size_t bytes_kept() const { return bytes_kept_; }

 private:
  std::array<Block*, kRanks> kept_{};
  std::size_t keep_bytes_;
  std::size_t bytes_kept_ = 0;
  std::size_t bytes_out_ = 0;
};

}  // namespace peal
