// SPDX-License-Identifier: Apache-2.0
#include "core/hub/outbox.h"

#include <cstring>

#include "core/ws/frame_header.h"

namespace peal::hub {
FormSet Outbox::wants() const {
  const bool all_shared = deflate_.shares_all();
  const bool some_shared = deflate_.longest_shared() > 0;
  FormSet wants;
  switch (encoding_) {
    case Encoding::frames:
      if (!all_shared) wants |= Form::frame;
      if (some_shared) wants |= Form::deflated;
      break;
    case Encoding::json_frames:
      wants |= Form::json;
      if (some_shared) wants |= Form::json_deflated;
      break;
    case Encoding::events:
      wants |= Form::event;
      break;
    case Encoding::json_events:
      wants |= Form::json_event;
      break;
    case Encoding::json_items:
      wants |= Form::json_item;
      break;
  }
  return wants;
}

Outbox::View Outbox::frame_view(const Message& message, Form plain, Form deflated) const {
  const Bytes frame = message.form(plain);
  const bool shares = frame.size() <= deflate_.longest_shared();
  const Bytes shared = shares ? message.form(deflated) : Bytes{};
  if (!shared.empty()) return {.bytes = shared};
  return {.bytes = frame, .encode = deflate_.on && !shares};
}

Bytes Outbox::event_view(Bytes event) const {
  return own_ids_ ? event.subspan(as_text(event).find('\n') + 1) : event;
}

Outbox::View Outbox::view(const Message& message) const {
  switch (encoding_) {
    case Encoding::frames:
      return frame_view(message, Form::frame, Form::deflated);
    case Encoding::json_frames:
      return frame_view(message, Form::json, Form::json_deflated);
    case Encoding::events:
      return {.bytes = event_view(message.form(Form::event))};
    case Encoding::json_events:
      return {.bytes = event_view(message.form(Form::json_event))};
    case Encoding::json_items:
      return {.bytes = message.form(Form::json_item)};
  }
  return {};
}

bool Outbox::admits(const Message& message, const OutboxPolicy& policy) {
  if (door_ != Door::open) return false;
  // An empty queue takes any message: a limit below one message would otherwise let none through.
  if (empty() || cost() + view(message).bytes.size() + kSegmentCost <= policy.queue_size)
    return true;
  if (policy.slow_client == SlowClient::disconnect) door_ = Door::overflowed;
  ++dropped_;
  return false;
}

bool Outbox::push_message(Memory& memory, Message* message, const OutboxPolicy& policy) {
  return admits(*message, policy) && push_admitted(memory, message);
}

bool Outbox::push_admitted(Memory& memory, Message* message) {
  if (door_ != Door::open) return false;
  push_view(memory, message, view(*message));
  return true;
}

void Outbox::push_view(Memory& memory, Message* message, const View& what) {
  PEAL_DCHECK(!what.bytes.empty());
  fresh_ = true;
  ++messages_;
  ++message->references;
  push(memory, memory.segments.take({.data = const_cast<std::byte*>(
                                         what.bytes.data()),  // only ever read, being a message's
                                     .size = static_cast<std::uint32_t>(what.bytes.size()),
                                     .keeper = Segment::Keeper::message,
                                     .encode = what.encode,
                                     .whole = true,
                                     .message = message}));
}

std::size_t Outbox::message_bytes() const {
  std::size_t bytes = 0;
  for (const Segment* segment = first_; segment; segment = segment->next)
    if (segment->whole) bytes += segment->size;
  return bytes;
}

void Outbox::begin_array(Memory& memory, Block* block, MutableBytes bytes) {
  Segment** link = &first_;
  while (*link && !(*link)->whole) link = &(*link)->next;
  if (Segment* item = *link) {
    ++item->data;
    --item->size;
    count_bytes(memory, -1);
  }
  Segment* begin = memory.segments.take({.next = *link,
                                         .data = bytes.data(),
                                         .size = static_cast<std::uint32_t>(bytes.size()),
                                         .keeper = Segment::Keeper::block,
                                         .block = block});
  *link = begin;
  if (!begin->next) last_ = begin;
  count_bytes(memory, static_cast<std::int64_t>(bytes.size()));
  ++segments_;
  // They are of an answer now, which is not dropped.
  for (Segment* item = begin; item; item = item->next) item->whole = false;
}

void Outbox::renew() {
  encoding_ = Encoding::frames;
  door_ = Door::open;
  own_ids_ = had_patterns_ = wants_room_ = wants_page_ = fresh_ = false;
  opening_ = true;
  serial_ = 0;
}

void Outbox::push_block(Memory& memory, Block* block, MutableBytes bytes, bool encode) {
  push(memory, memory.segments.take({.data = bytes.data(),
                                     .size = static_cast<std::uint32_t>(bytes.size()),
                                     .keeper = Segment::Keeper::block,
                                     .encode = encode,
                                     .block = block}));
}

void Outbox::push_buffer(Memory& memory, std::uint16_t buffer, MutableBytes bytes) {
  Segment* tail = last_;
  if (tail && tail != last_pinned_ && tail->keeper == Segment::Keeper::buffer &&
      tail->buffer == buffer) {
    std::byte* end = tail->data + tail->size;
    PEAL_DCHECK(end <= bytes.data());
    std::memmove(end, bytes.data(), bytes.size());
    tail->size += static_cast<std::uint32_t>(bytes.size());
    count_bytes(memory, static_cast<std::int64_t>(bytes.size()));
    return;
  }
  memory.buffers.hold(buffer);
  push(memory, memory.segments.take({.data = bytes.data(),
                                     .size = static_cast<std::uint32_t>(bytes.size()),
                                     .keeper = Segment::Keeper::buffer,
                                     .buffer = buffer,
                                     .block = nullptr}));
}

void Outbox::count_bytes(Memory& memory, std::int64_t more) {
  bytes_ += static_cast<std::size_t>(more);
  memory.queued_bytes += static_cast<std::size_t>(more);
}

void Outbox::push(Memory& memory, Segment* segment) {
  count_bytes(memory, segment->size);
  ++segments_;
  encodes_ = encodes_ || segment->encode;
  (last_ ? last_->next : first_) = segment;
  last_ = segment;
}

void Outbox::pop_first(Memory& memory) {
  Segment* segment = first_;
  first_ = segment->next;
  if (!first_) last_ = nullptr;
  count_bytes(memory, -std::int64_t{segment->size});
  --segments_;
  memory.release(segment);
}

void Outbox::encode(Memory& memory, Segment& segment, const ws::Compressor::Frame& frame) {
  segment.encode = false;
  if (!frame.block) return;
  count_bytes(memory, static_cast<std::int64_t>(frame.bytes.size()) - segment.size);
  memory.release_bytes(segment);
  segment.data = frame.bytes.data();
  segment.size = static_cast<std::uint32_t>(frame.bytes.size());
  segment.keeper = Segment::Keeper::block;
  segment.whole = false;
  segment.block = frame.block;
}

void Outbox::pin(std::size_t segments) {
  PEAL_DCHECK(segments > 0);
  last_pinned_ = first_;
  while (--segments > 0) last_pinned_ = last_pinned_->next;
  PEAL_DCHECK(!last_pinned_->encode);
}

void Outbox::sent(Memory& memory, std::size_t bytes) {
  last_pinned_ = nullptr;
  while (first_ && bytes >= first_->size) {
    bytes -= first_->size;
    pop_first(memory);
  }
  if (bytes == 0) return;
  PEAL_CHECK(first_);
  first_->data += bytes;
  first_->whole = false;
  first_->size -= static_cast<std::uint32_t>(bytes);
  count_bytes(memory, -static_cast<std::int64_t>(bytes));
}

void Outbox::merge(Memory& memory, std::size_t segments, std::size_t bytes) {
  PEAL_DCHECK(!pinned());
  Block* block = memory.blocks.take(bytes);
  std::byte* to = block->data();
  for (std::size_t i = 0; i < segments; ++i) {
    PEAL_DCHECK(!first_->encode);
    std::memcpy(to, first_->data, first_->size);
    to += first_->size;
    pop_first(memory);
  }
  Segment* whole = memory.segments.take({.next = first_,
                                         .data = block->data(),
                                         .size = static_cast<std::uint32_t>(bytes),
                                         .keeper = Segment::Keeper::block,
                                         .block = block});
  first_ = whole;
  if (!last_) last_ = whole;
  count_bytes(memory, static_cast<std::int64_t>(bytes));
  ++segments_;
}

void Outbox::drop_messages(Memory& memory) {
  Segment** link = last_pinned_ ? &last_pinned_->next : &first_;
  last_ = last_pinned_;
  while (Segment* segment = *link) {
    if (segment->whole) {
      *link = segment->next;
      count_bytes(memory, -std::int64_t{segment->size});
      --segments_;
      memory.release(segment);
    } else {
      last_ = segment;
      link = &segment->next;
    }
  }
}

void Outbox::clear(Memory& memory) {
  last_pinned_ = nullptr;
  while (first_) pop_first(memory);
}

}  // namespace peal::hub
