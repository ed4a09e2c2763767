// SPDX-License-Identifier: Apache-2.0
#include "core/hub/memory.h"

#include <cstring>

#include "core/hub/encoding.h"
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

Message* Memory::make_stand_in(ShardIndex home, Message* original, Bytes frame, Forms* its_forms,
                               std::uint64_t offset) {
  return messages.take(
      {.frame = frame, .offset = offset, .home = home, .original = original, .forms = its_forms});
}

void Memory::make_forms(Message& message, FormSet wanted, std::string_view topic) {
  for (std::size_t i = 0; i < kForms; ++i)
    if (const auto form = static_cast<Form>(i); form != Form::frame && wanted.has(form))
      make_form(message, form, topic);
}

void Memory::make_form(Message& message, Form form, std::string_view topic) {
  if (!message.forms) {
    message.forms = forms.take({});
    message.owns_forms = true;
  }
  PEAL_DCHECK(message.owns_forms);
  if (message.forms->tried.has(form)) return;
  if (form == Form::json_deflated) make_form(message, Form::json, topic);
  message.forms->tried |= form;
  make(message.forms->made[static_cast<std::size_t>(form)], message, form, topic);
}

void Memory::make(Forms::Made& made, const Message& message, Form form, std::string_view topic) {
  const Bytes frame = form == Form::json_deflated ? message.form(Form::json) : message.frame;
  const ws::FrameHeader header = ws::decode_header(frame, ws::Role::client);
  const Bytes payload = frame.subspan(header.size);
  if (form == Form::deflated || form == Form::json_deflated) {
    const auto [block, bytes] = compressor.compress(header.opcode, payload, ws::kMaxWindowBits);
    made = {.bytes = bytes, .block = block};
    return;
  }
  const Item item{.id = {process_epoch(), message.offset},
                  .topic = topic,
                  .payload = payload,
                  .is_text = header.opcode == ws::Opcode::text};
  const std::size_t room =
      form == Form::event ? event_room(item) : ws::kMaxServerHeader + json_event_room(item);
  made.block = blocks.take(room);
  std::byte* const begin = made.block->data();
  if (form == Form::event) {
    made.bytes = {begin, write_event(begin, item)};
  } else if (form == Form::json_event) {
    made.bytes = {begin, write_json_event(begin, item)};
  } else if (form == Form::json_item) {
    *begin = std::byte{','};
    made.bytes = {begin, write_json(begin + 1, item)};
  } else {
    std::byte* const text = begin + ws::kMaxServerHeader;
    std::byte* const end = write_json(text, item);
    made.bytes = {ws::write_server_header_before(text, ws::Opcode::text, true,
                                                 static_cast<std::size_t>(end - text)),
                  end};
  }
}

void Memory::drop_forms(Message& message) {
  if (!message.owns_forms) return;
  for (const Forms::Made& made : message.forms->made) blocks.give(made.block);
  forms.give(message.forms);
  message.forms = nullptr;
  message.owns_forms = false;
}

void Memory::release(Message* message) {
  PEAL_DCHECK(message->references > 0);
  --message->references;
  // What waits in a history only is kept in one form; others are made again when wanted.
  if (message->references == 1 && message->kept) drop_forms(*message);
  if (message->references > 0) return;
  drop_forms(*message);
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
