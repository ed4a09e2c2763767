// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/base/bytes.h"

namespace peal::loadtest {

/// What one connection sends at once: bytes of its own, and between them pieces of memory that
/// everybody shares. Filled, then sent; not both at once.
///
/// A small message lies in the batch itself, so that sending it touches few cache lines.
///
/// Owner: a connection, out of a BatchPool. Thread: the worker's.
class alignas(64) SendBatch {
 public:
  SendBatch() = default;
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return size_; }  ///< bytes that are to be sent

  /// Adds `size` bytes that the caller writes before anything else is added.
  std::byte* add(std::size_t size) {
    if (used_ + size > room_) grow(used_ + size);
    std::byte* const to = bytes_ + used_;
    if (count_ > 0 && !part(count_ - 1).shared)
      part(count_ - 1).size += size;
    else
      push({nullptr, used_, size});
    used_ += size;
    size_ += size;
    return to;
  }

  /// Adds bytes that stay where they are until they are sent.
  void add_shared(Bytes bytes) {
    if (bytes.empty()) return;
    push({bytes.data(), 0, bytes.size()});
    size_ += bytes.size();
  }

  static constexpr std::size_t kMaxPieces = 128;
  using Pieces = std::array<iovec, kMaxPieces>;
  /// Where what is still to be sent lies: the first so many pieces of it.
  std::span<iovec> pieces(Pieces& room) const;
  /// `count` bytes of them were sent.
  void sent(std::size_t count);
  void clear();

 private:
  struct Part {
    const std::byte* shared;  ///< null: at `begin` in bytes_
    std::size_t begin;
    std::size_t size;
  };
  static constexpr std::size_t kSmall = 160;  // bytes
  static constexpr std::size_t kFew = 1;      // parts

  Part& part(std::size_t i) { return i < kFew ? few_[i] : more_[i - kFew]; }
  const Part& part(std::size_t i) const { return i < kFew ? few_[i] : more_[i - kFew]; }
  void push(const Part& part) {
    if (count_ < kFew)
      few_[count_] = part;
    else
      more_.push_back(part);
    ++count_;
  }
  void grow(std::size_t size);

  std::size_t used_ = 0;
  std::size_t room_ = kSmall;
  std::size_t size_ = 0;
  std::size_t count_ = 0;  // parts
  std::array<Part, kFew> few_;
  std::array<std::byte, kSmall> small_;
  std::byte* bytes_ = small_.data();
  std::size_t next_ = 0;  // the part that is being sent
  std::size_t done_ = 0;  // bytes of it that are
  std::vector<Part> more_;
  std::unique_ptr<std::byte[]> large_;
};

/// Batches for those who have something to send; kept with the memory that they have got.
class BatchPool {
 public:
  SendBatch* take() {
    if (spare_.empty()) return all_.emplace_back(std::make_unique<SendBatch>()).get();
    SendBatch* const batch = spare_.back();
    spare_.pop_back();
    return batch;
  }
  void give(SendBatch* batch) {
    batch->clear();
    spare_.push_back(batch);
  }

 private:
  std::vector<std::unique_ptr<SendBatch>> all_;
  std::vector<SendBatch*> spare_;
};

}  // namespace peal::loadtest
