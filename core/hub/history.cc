// SPDX-License-Identifier: Apache-2.0
#include "core/hub/history.h"

namespace peal::hub {

/// A message of another shard costs its memory there; here it counts as if it lay here.
std::size_t History::cost_of(const Message& message) {
  const std::size_t block =
      message.block ? message.block->capacity + sizeof(Block)
                    : std::max(BlockPool::kMinBlock, message.frame.size() + sizeof(Block));
  return block + sizeof(Message) + sizeof(Entry);
}

void History::add(Memory& memory, Message* message, Instant now) {
  while (entries_.size() >= policy_.history_size) pop_front(memory);
  ++message->references;
  message->kept = true;
  entries_.push_back({.message = message, .at = now});
  cost_ += cost_of(*message);
}

void History::pop_front(Memory& memory) {
  Message* message = entries_.pop_front().message;
  cost_ -= cost_of(*message);
  message->kept = false;
  memory.release(message);
}

void History::clear(Memory& memory) {
  while (!empty()) pop_front(memory);
  entries_ = {};
}

void History::expire(Memory& memory, Instant now) {
  if (policy_.history_age <= Duration::zero()) return;
  while (!empty() && now - entries_.front().at >= policy_.history_age) pop_front(memory);
}

Page* History::page(Memory& memory, std::uint64_t offset, FormSet form, std::string_view topic) {
  auto* page = new Page;
  std::size_t bytes = 0;
  for (std::size_t i = offset - first_offset(); i < size(); ++i) {
    Message* message = entries_[i].message;
    if (page->entries.size() == kPageMessages) break;
    if (!page->entries.empty() && bytes + message->frame.size() > kPageBytes) break;
    bytes += message->frame.size();
    ++message->references;
    memory.make_forms(*message, form, topic);
    page->entries.push_back({message, message->frame, message->forms, message->offset});
  }
  return page;
}

}  // namespace peal::hub
