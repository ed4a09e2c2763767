// SPDX-License-Identifier: Apache-2.0
#include "loadtest/send_batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace peal::loadtest {

std::span<iovec> SendBatch::pieces(Pieces& room) const {
  std::size_t count = 0;
  std::size_t skip = done_;
  for (std::size_t i = next_; i < count_ && count < room.size(); ++i) {
    const Part& piece = part(i);
    const std::byte* const from = piece.shared ? piece.shared : bytes_ + piece.begin;
    // sendmsg(2) only reads what a vector points at.
    room[count++] = {.iov_base = const_cast<std::byte*>(from) + skip, .iov_len = piece.size - skip};
    skip = 0;
  }
  return std::span(room).first(count);
}

void SendBatch::sent(std::size_t count) {
  size_ -= count;
  while (next_ < count_) {
    const std::size_t taken = std::min(count, part(next_).size - done_);
    done_ += taken;
    count -= taken;
    if (done_ < part(next_).size) return;
    ++next_;
    done_ = 0;
  }
}

void SendBatch::clear() {
  constexpr std::size_t kKept = 64 << 10;  // bytes; one large batch is no reason to keep as much
  if (room_ > kKept) {
    large_.reset();
    bytes_ = small_.data();
    room_ = kSmall;
  }
  more_.clear();
  used_ = size_ = count_ = next_ = done_ = 0;
}

void SendBatch::grow(std::size_t size) {
  const std::size_t room = std::max(size, 2 * room_);
  auto larger = std::make_unique_for_overwrite<std::byte[]>(room);
  std::memcpy(larger.get(), bytes_, used_);
  large_ = std::move(larger);
  bytes_ = large_.get();
  room_ = room;
}

}  // namespace peal::loadtest
