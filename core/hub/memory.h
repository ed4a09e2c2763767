// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/object_pool.h"
#include "core/hub/message.h"
#include "core/hub/message_id.h"
#include "core/io/buffer_pool.h"
#include "core/ws/deflate.h"
#include "core/ws/protocol.h"

namespace peal::hub {

/// One piece of an Outbox: bytes, and who keeps them in place until they are sent.
struct Segment {
  enum class Keeper : std::uint8_t { buffer, block, message };

  Segment* next = nullptr;
  std::byte* data = nullptr;
  std::uint32_t size = 0;
  Keeper keeper = Keeper::block;
  bool encode = false;       ///< a whole data frame, to be compressed before it is sent
  bool whole = false;        ///< `message`: nothing of it has been sent
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
  /// A stand-in for another shard's message; `forms` are the original's, or null.
  Message* make_stand_in(ShardIndex home, Message* original, Bytes frame, Forms* forms = nullptr,
                         std::uint64_t offset = 0);
  /// Makes `wanted` forms of a message of `topic` unless they were tried before; one that is not
  /// worth it stays empty. Requires: the message has its offset, and its forms are its own.
  void make_forms(Message& message, FormSet wanted, std::string_view topic);

  void release(Message* message);
  void release(Segment* segment);
  /// Lets go of what a segment keeps in place, but not of the segment.
  void release_bytes(const Segment& segment);

  void set_original_keeper(OriginalKeeper& keeper) { keeper_ = &keeper; }

  BlockPool blocks;
  io::BufferPool& buffers;
  ObjectPool<Segment> segments;
  ObjectPool<Message> messages;
  ObjectPool<Forms> forms;
  ws::Compressor compressor;
  ws::InflaterPool inflaters;
  std::size_t queued_bytes = 0;  ///< Outbox::bytes() of all outboxes together

 private:
  void make_form(Message& message, Form form, std::string_view topic);
  void make(Forms::Made& made, const Message& message, Form form, std::string_view topic);
  void drop_forms(Message& message);

  ShardIndex shard_;
  OriginalKeeper* keeper_ = nullptr;
};

}  // namespace peal::hub
