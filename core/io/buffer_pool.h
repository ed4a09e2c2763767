// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/poison.h"

namespace peal::io {

/// The receive buffers of one reactor. Only a buffer with unread or unsent bytes in it is out;
/// an idle connection holds none.
///
/// Owner: a Backend. Thread: the reactor's.
/// Limits: kCount buffers of kSize bytes; pages are touched as far as bytes arrive.
class BufferPool {
 public:
  static constexpr std::uint32_t kCount = 1024;
  /// What one receive can bring: with 16 KiB an echo of 1 MiB costs more, with 64 KiB a flood
  /// touches twice the memory. Not a power of two, so that equal offsets of neighbouring buffers do
  /// not fight for one cache set.
  static constexpr std::uint32_t kSize = (32 << 10) + 64;

  BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// False when mmap(2) gave no memory: no buffer is ever free then.
  bool mapped() const { return memory_ != nullptr; }

  std::byte* address(std::uint16_t id) { return memory_.get() + std::size_t{id} * kSize; }

  /// Takes a buffer out with one holder; false when none is left.
  bool take(std::uint16_t& id);
  /// Marks a lent buffer that the kernel has filled as out, with one holder.
  void adopt(std::uint16_t id) {
    unpoison({address(id), kSize});
    holders_[id] = 1;
    ++held_;
  }
  void hold(std::uint16_t id) { ++holders_[id]; }
  void release(std::uint16_t id) {
    PEAL_DCHECK(holders_[id] > 0);
    if (--holders_[id] > 0) return;
    poison({address(id), kSize});
    free_.push_back(id);
    --held_;
  }

  /// Takes a free buffer out for the kernel to fill; adopt() ends the loan. False when none is
  /// free.
  bool lend(std::uint16_t& id);

  /// Buffers with a holder. Long-lived holders should copy and let go when they get scarce.
  std::size_t held_count() const { return held_; }
  bool scarce() const { return held_ > kCount / 2; }

 private:
  struct Unmap {
    void operator()(std::byte* memory) const;
  };

  std::unique_ptr<std::byte, Unmap> memory_;
  std::vector<std::uint16_t> free_;  // newest last: the cache-warm one goes out first
  std::vector<std::uint16_t> holders_;
  std::size_t held_ = 0;
};

/// Holds one receive buffer; gives it back on destruction. Moved, or shared on purpose.
class BufferLease {
 public:
  BufferLease() = default;
  /// Takes over one hold on `id`.
  BufferLease(BufferPool& pool, std::uint16_t id) : pool_(&pool), id_(id) {}
  BufferLease(BufferLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_) {}
  BufferLease& operator=(BufferLease&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~BufferLease() {
    if (pool_) pool_->release(id_);
  }

  explicit operator bool() const { return pool_ != nullptr; }
  std::uint16_t id() const { return id_; }
  std::byte* data() const { return pool_->address(id_); }

 private:
  BufferPool* pool_ = nullptr;
  std::uint16_t id_ = 0;
};

}  // namespace peal::io
