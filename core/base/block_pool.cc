// SPDX-License-Identifier: Apache-2.0
#include "core/base/block_pool.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace peal {
namespace {

std::size_t whole_size(const Block& block) {
  return block.capacity + sizeof(Block);
}

}  // namespace

BlockPool::~BlockPool() {
  for (Block* head : kept_)
    while (head) std::free(std::exchange(head, head->next));
}

Block* BlockPool::take(std::size_t capacity) {
  std::size_t bytes = capacity + sizeof(Block);
  const std::size_t counted = bytes > kLarge ? std::max(bytes - kSlack, kLarge) : bytes;
  const std::size_t units = (counted + kMinBlock - 1) / kMinBlock;
  const auto rank = static_cast<std::size_t>(std::bit_width(units - 1));
  Block* block = nullptr;
  if (rank < kRanks) {
    bytes = kMinBlock << rank;
    if (bytes >= kLarge) bytes += kSlack;
    block = kept_[rank];
    if (block) {
      kept_[rank] = block->next;
      bytes_kept_ -= bytes;
    }
  }
  if (!block) {
    block = static_cast<Block*>(std::malloc(bytes));
    PEAL_CHECK(block);
    block->capacity = static_cast<std::uint32_t>(bytes - sizeof(Block));
    block->rank = rank < kRanks ? static_cast<std::uint32_t>(rank) : kUncached;
  }
  bytes_out_ += bytes;
  return block;
}

void BlockPool::give(Block* block) {
  if (!block) return;
  const std::size_t bytes = whole_size(*block);
  PEAL_DCHECK(bytes_out_ >= bytes);
  bytes_out_ -= bytes;
  if (block->rank == kUncached || bytes_kept_ + bytes > keep_bytes_) {
    std::free(block);
    return;
  }
  block->next = kept_[block->rank];
  kept_[block->rank] = block;
  bytes_kept_ += bytes;
}

void BlockPool::append(Block*& block, Bytes bytes) {
  const std::size_t kept = block ? block->used.end - block->used.begin : 0;
  if (!block || block->used.end + bytes.size() > block->capacity) {
    Block* larger = take(kept + bytes.size());
    if (kept > 0) std::memcpy(larger->data(), block->data() + block->used.begin, kept);
    give(block);
    block = larger;
    block->used = {.begin = 0, .end = static_cast<std::uint32_t>(kept)};
  }
  std::memcpy(block->data() + block->used.end, bytes.data(), bytes.size());
  block->used.end += static_cast<std::uint32_t>(bytes.size());
}

}  // namespace peal
