// SPDX-License-Identifier: Apache-2.0
#include "core/io/buffer_pool.h"

namespace peal::io {

BufferPool::BufferPool()
    : memory_(std::make_unique_for_overwrite<std::byte[]>(std::size_t{kCount} * kSize)),
      holders_(kCount, 0) {
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
