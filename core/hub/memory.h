// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/base/object_pool.h"
#include "core/io/buffer_pool.h"
#include "core/ws/deflate.h"
#include "core/ws/protocol.h"

namespace peal::hub {

using ShardIndex = std::uint16_t;

/// One frame, header and payload, as every receiver of it on one shard sees it: immutable, and
/// counted without atomics. A message that came from another shard is a stand-in for the original
/// there, which lives until the stand-in has been let go of (see Hub).
///
/// Owner: its references, all on the shard that made it.
struct Message {
  Bytes frame;
  std::uint32_t references = 1;
  ShardIndex home = 0;          ///< where the original is
  Block* block = nullptr;       ///< the memory behind `frame`; null in a stand-in
  Message* original = nullptr;  ///< in a stand-in
};

/// One piece of an Outbox: bytes, and who keeps them in place until they are sent.
struct Segment {
  enum class Keeper : std::uint8_t { buffer, block, message };

  Segment* next = nullptr;
  std::byte* data = nullptr;
  std::uint32_t size = 0;
  Keeper keeper = Keeper::block;
  bool encode = false;       ///< a whole data frame, to be compressed before it is sent
  std::uint16_t buffer = 0;  ///< a hold on that receive buffer
  union {
    Block* block = nullptr;
    Message* message;
  };
};

/// Told when the last reference to a stand-in is gone.
class OriginalKeeper {
 public:
  virtual void release_original(ShardIndex home, Message* original) = 0;

 protected:
  ~OriginalKeeper() = default;
};

/// The memory that messages pass through on one shard.
///
/// Owner: a Shard; outlives every Outbox and Message of it. Thread: the shard's.
class Memory {
 public:
  /// `keep_bytes`: of unused blocks.
  Memory(ShardIndex shard, io::BufferPool& receive_buffers, std::size_t keep_bytes,
         const ws::DeflateSettings& deflate = {})
      : blocks(keep_bytes), buffers(receive_buffers), compressor(blocks, deflate), shard_(shard) {}

  /// A message of one final frame, the payload copied.
  Message* make_message(ws::Opcode opcode, Bytes payload);
  /// The same in the block the payload lies in already, behind ws::kMaxServerHeader bytes at
  /// least; takes the block over.
  Message* make_message(ws::Opcode opcode, MutableBytes payload, Block* block);
  /// A message of arbitrary octets.
  Message* make_raw_message(Bytes octets);
  /// The same message compressed, in a form for all who share it (ws::DeflateAgreement); null when
  /// it should go as it is.
  Message* make_compressed(const Message& plain);
  /// A stand-in for another shard's message.
  Message* make_stand_in(ShardIndex home, Message* original, Bytes frame);

  void release(Message* message);
  void release(Segment* segment);
  /// Lets go of what a segment keeps in place, but not of the segment.
  void release_bytes(const Segment& segment);

  void set_original_keeper(OriginalKeeper& keeper) { keeper_ = &keeper; }

  BlockPool blocks;
  io::BufferPool& buffers;
  ObjectPool<Segment> segments;
  ObjectPool<Message> messages;
  ws::Compressor compressor;
  ws::InflaterPool inflaters;

 private:
  ShardIndex shard_;
  OriginalKeeper* keeper_ = nullptr;
};

}  // namespace peal::hub
