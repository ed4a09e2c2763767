// SPDX-License-Identifier: Apache-2.0
#include "core/hub/memory.h"

#include <cstring>

#include "core/ws/frame_header.h"

namespace peal::hub {

Message* Memory::make_message(ws::Opcode opcode, Bytes payload) {
  Block* block = blocks.take(ws::kMaxServerHeader + payload.size());
  std::byte* to = block->data() + ws::kMaxServerHeader;
  if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
  return make_message(opcode, {to, payload.size()}, block);
}

Message* Memory::make_message(ws::Opcode opcode, MutableBytes payload, Block* block) {
  std::byte* begin = ws::write_server_header_before(payload.data(), opcode, true, payload.size());
  const Bytes frame{begin, payload.data() + payload.size()};
  return messages.take({.frame = frame, .home = shard_, .block = block});
}

Message* Memory::make_raw_message(Bytes octets) {
  Block* block = blocks.take(octets.size());
  if (!octets.empty()) std::memcpy(block->data(), octets.data(), octets.size());
  return messages.take({.frame = {block->data(), octets.size()}, .home = shard_, .block = block});
}

Message* Memory::make_compressed(const Message& plain) {
  const ws::FrameHeader header = ws::decode_header(plain.frame, ws::Role::client);
  const auto [block, frame] =
      compressor.compress(header.opcode, plain.frame.subspan(header.size), ws::kMaxWindowBits);
  return block ? messages.take({.frame = frame, .home = shard_, .block = block}) : nullptr;
}

Message* Memory::make_stand_in(ShardIndex home, Message* original, Bytes frame) {
  return messages.take({.frame = frame, .home = home, .original = original});
}

void Memory::release(Message* message) {
  PEAL_DCHECK(message->references > 0);
  if (--message->references > 0) return;
  if (message->original)
    keeper_->release_original(message->home, message->original);
  else
    blocks.give(message->block);
  messages.give(message);
}

void Memory::release(Segment* segment) {
  release_bytes(*segment);
  segments.give(segment);
}

void Memory::release_bytes(const Segment& segment) {
  switch (segment.keeper) {
    case Segment::Keeper::buffer:
      buffers.release(segment.buffer);
      break;
    case Segment::Keeper::block:
      blocks.give(segment.block);
      break;
    case Segment::Keeper::message:
      release(segment.message);
      break;
  }
}

}  // namespace peal::hub
