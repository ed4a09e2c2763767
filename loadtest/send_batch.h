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
/// Owner: a connection, out of a BatchPool. Thread: the worker's.
class SendBatch {
 public:
  bool empty() const { return parts_.empty(); }
  std::size_t size() const { return size_; }  ///< bytes that are to be sent

  /// Adds `size` bytes that the caller writes before anything else is added.
  std::byte* add(std::size_t size) {
    const std::size_t begin = bytes_.size();
    bytes_.resize(begin + size);
    if (!parts_.empty() && !parts_.back().shared)
      parts_.back().size += size;
    else
      parts_.push_back({nullptr, begin, size});
    size_ += size;
    return bytes_.data() + begin;
  }

  /// Adds bytes that stay where they are until they are sent.
  void add_shared(Bytes bytes) {
    if (bytes.empty()) return;
    parts_.push_back({bytes.data(), 0, bytes.size()});
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

  std::vector<std::byte> bytes_;
  std::vector<Part> parts_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  ///< the part that is being sent
  std::size_t done_ = 0;  ///< bytes of it that are
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
