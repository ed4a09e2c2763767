// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

#include "core/base/check.h"

namespace peal {

/// A bounded queue between one pushing and one popping thread: loads and stores, no
/// read-modify-write.
///
/// Owner: whoever joins both threads before destroying it.
/// Thread: push() on one, pop() and empty() on the other.
/// Limits: `capacity` values, a power of two, allocated once.
template <class T>
class SpscQueue {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit SpscQueue(std::size_t capacity)
      : mask_(capacity - 1),
        memory_(std::make_unique_for_overwrite<std::byte[]>(capacity * sizeof(T))) {
    PEAL_CHECK(std::has_single_bit(capacity));
  }

  /// False when full; `value` is then untouched.
  bool push(const T& value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - seen_head_ > mask_) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (tail - seen_head_ > mask_) return false;
    }
    std::memcpy(slot(tail), &value, sizeof value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// False when empty.
  bool pop(T& value) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == seen_tail_) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      if (head == seen_tail_) return false;
    }
    std::memcpy(&value, slot(head), sizeof value);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  bool empty() const {
    return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_acquire);
  }

 private:
  static constexpr std::size_t kCacheLine = 64;

  std::byte* slot(std::size_t position) { return memory_.get() + (position & mask_) * sizeof(T); }

  const std::size_t mask_;
  // Raw, so that the pages of a queue that is never used are never touched.
  const std::unique_ptr<std::byte[]> memory_;
  // Each side on a cache line of its own, with its last sight of the other side's position.
  alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
  std::size_t seen_head_ = 0;
  alignas(kCacheLine) std::atomic<std::size_t> head_{0};
  std::size_t seen_tail_ = 0;
};

}  // namespace peal
