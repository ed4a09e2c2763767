// SPDX-License-Identifier: Apache-2.0
#include "core/io/buffer_pool.h"

#include <sys/mman.h>

namespace peal::io {

namespace {

constexpr std::size_t kBytes = std::size_t{BufferPool::kCount} * BufferPool::kSize;

}  // namespace

void BufferPool::Unmap::operator()(std::byte* memory) const {
  munmap(memory, kBytes);
}

BufferPool::BufferPool() : holders_(kCount, 0) {
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  memory_.reset(static_cast<std::byte*>(memory));
  free_.reserve(kCount);
  for (std::uint32_t id = kCount; id-- > 0;) free_.push_back(static_cast<std::uint16_t>(id));
}

bool BufferPool::lend(std::uint16_t& id) {
  if (free_.empty()) return false;
  id = free_.back();
  free_.pop_back();
  return true;
}

bool BufferPool::take(std::uint16_t& id) {
  if (!lend(id)) return false;
  adopt(id);
  return true;
}

}  // namespace peal::io
