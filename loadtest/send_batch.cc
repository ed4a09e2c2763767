// SPDX-License-Identifier: Apache-2.0
#include "loadtest/send_batch.h"

#include <algorithm>

namespace peal::loadtest {

std::span<iovec> SendBatch::pieces(Pieces& room) const {
  std::size_t count = 0;
  std::size_t skip = done_;
  for (std::size_t i = next_; i < parts_.size() && count < room.size(); ++i) {
    const Part& part = parts_[i];
    const std::byte* const from = part.shared ? part.shared : bytes_.data() + part.begin;
    // sendmsg(2) only reads what a vector points at.
    room[count++] = {.iov_base = const_cast<std::byte*>(from) + skip, .iov_len = part.size - skip};
    skip = 0;
  }
  return std::span(room).first(count);
}

void SendBatch::sent(std::size_t count) {
  size_ -= count;
  while (next_ < parts_.size()) {
    const std::size_t taken = std::min(count, parts_[next_].size - done_);
    done_ += taken;
    count -= taken;
    if (done_ < parts_[next_].size) return;
    ++next_;
    done_ = 0;
  }
}

void SendBatch::clear() {
  constexpr std::size_t kKept = 64 << 10;  // bytes; one large batch is no reason to keep as much
  bytes_.clear();
  if (bytes_.capacity() > kKept) bytes_.shrink_to_fit();
  parts_.clear();
  size_ = 0;
  next_ = 0;
  done_ = 0;
}

}  // namespace peal::loadtest
