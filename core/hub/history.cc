// SPDX-License-Identifier: Apache-2.0
#include "core/hub/history.h"

#include <algorithm>
#include <bit>

#include "core/hub/outbox.h"

namespace peal::hub {

/// A message of another shard costs its memory there; here it counts as if it lay here, beside what
/// stands in for it.
std::size_t History::cost_of(const Message& message) {
  if (message.block) return message.block->capacity + sizeof(Block) + sizeof(Message);
  const std::size_t block =
      std::bit_ceil(ws::kMaxServerHeader + message.frame.size() + sizeof(Block));
  return std::max(BlockPool::kMinBlock, block) + 2 * sizeof(Message);
}

/// Bytes of the largest of some forms of a message.
std::size_t History::size_of(const Message& message, FormSet forms) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < kForms; ++i)
    if (const auto form = static_cast<Form>(i); forms.has(form))
      size = std::max(size, message.form(form).size());
  return size;
}

void History::add(Memory& memory, Message* message, Instant now, std::size_t most) {
  for (; most > 0 && entries_.size() >= policy_->history_size; --most) pop_front(memory);
  ++message->references;
  message->kept = true;
  entries_.push_back({.message = message, .at = now});
  messages_cost_ += cost_of(*message);
  gives_way_ = false;
}

void History::pop_front(Memory& memory) {
  Message* message = entries_.pop_front().message;
  messages_cost_ -= cost_of(*message);
  message->kept = false;
  memory.release(message);
}

void History::clear(Memory& memory) {
  while (!empty()) pop_front(memory);
  entries_ = {};
}

bool History::too_old(std::size_t index, Instant now) {
  return policy_->history_age > Duration::zero() &&
         now - entries_[index].at >= policy_->history_age;
}

std::size_t History::expire(Memory& memory, Instant now, std::size_t most) {
  std::size_t count = 0;
  for (; count < most && !empty() && too_old(0, now); ++count) pop_front(memory);
  if (empty()) entries_ = {};
  return count;
}

std::uint64_t History::first_offset(Instant now) {
  std::size_t first = surplus();
  for (std::size_t end = size(); first < end;) {
    const std::size_t middle = first + (end - first) / 2;
    if (too_old(middle, now))
      first = middle + 1;
    else
      end = middle;
  }
  return first_offset() + first;
}

Page* History::page(Memory& memory, std::uint64_t offset, std::size_t room, FormSet forms,
                    std::string_view topic) {
  auto* page = new Page;
  room = std::min(room, kPageBytes);
  for (std::size_t i = offset - first_offset(); i < size(); ++i) {
    if (page->entries.size() == kPageMessages) break;
    Message* message = entries_[i].message;
    ++message->references;
    memory.make_forms(*message, forms, topic);
    const std::size_t cost = size_of(*message, forms) + Outbox::kSegmentCost;
    if (cost > room && !page->entries.empty()) {
      memory.release(message);
      break;
    }
    room -= std::min(room, cost);
    page->entries.push_back({message, message->frame, message->forms, message->offset});
  }
  return page;
}

}  // namespace peal::hub
