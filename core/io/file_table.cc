// SPDX-License-Identifier: Apache-2.0
#include "core/io/file_table.h"

#include <algorithm>

#include "core/io/file_limit.h"

namespace peal::io {

std::uint64_t FileTable::capacity(std::uint64_t limit) {
  constexpr std::uint64_t kMost = 1 << 20;  // IORING_MAX_FIXED_FILES
  return std::min(limit, kMost);
}

std::optional<unsigned> FileTable::put(io_uring& ring, int fd) {
  if (!ready_) {
    ready_ = true;  // refused once, it is not tried again
    const auto size = static_cast<unsigned>(capacity(file_limit()));
    if (io_uring_register_files_sparse(&ring, size) == 0) size_ = size;
  }
  if (free_.empty() && unused_ == size_) return std::nullopt;
  const unsigned slot = free_.empty() ? unused_ : free_.back();
  if (io_uring_register_files_update(&ring, slot, &fd, 1) != 1) return std::nullopt;
  if (free_.empty())
    ++unused_;
  else
    free_.pop_back();
  return slot;
}

}  // namespace peal::io
