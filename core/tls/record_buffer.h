// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"

namespace peal::tls {

inline constexpr std::size_t kRecordHeaderSize = 5;
inline constexpr std::size_t kMessageHeaderSize = 4;  ///< of the handshake (RFC 8446 section 4)
inline constexpr std::size_t kMaxContent = 1 << 14;   ///< octets of a record (RFC 8446 section 5.1)

/// The header of a record (RFC 8446 section 5.1). Requires: all of it is there.
inline std::uint8_t record_type(Bytes record) {
  return static_cast<std::uint8_t>(record[0]);
}
inline std::size_t record_length(Bytes record) {
  return load_be<std::uint16_t>(record.data() + 3);
}

/// Puts together records that come in pieces.
///
/// Owner: an engine. Thread: the shard's. Errors: none.
/// Limits: holds what has come of one record, in a block, from one call to the next.
class RecordBuffer {
 public:
  explicit RecordBuffer(BlockPool& pool) : pool_(&pool) {}
  RecordBuffer(const RecordBuffer&) = delete;
  RecordBuffer& operator=(const RecordBuffer&) = delete;
  ~RecordBuffer() { pool_->give(partial_); }

  /// Takes the next record off the front of `input`: all of it, or only its header when that is one
  /// that `accepts(header)` refuses, or nothing when it has not come yet. Valid until release(),
  /// and as long as the memory of `input`.
  template <class Accepts>
  Bytes next(Bytes& input, Accepts&& accepts) {
    if (!partial_ && input.size() >= kRecordHeaderSize) {
      const std::size_t size = kRecordHeaderSize + record_length(input);
      if (input.size() >= size && accepts(input.first(kRecordHeaderSize))) {
        const Bytes record = input.first(size);
        input = input.subspan(size);
        return record;
      }
    }
    if (!gather(input, kRecordHeaderSize)) return {};
    const Bytes header(partial_->data(), kRecordHeaderSize);
    if (!accepts(header)) return header;
    const std::size_t size = kRecordHeaderSize + record_length(header);
    if (!gather(input, size)) return {};
    return {partial_->data(), size};
  }

  /// The record is done with.
  void release();

 private:
  bool gather(Bytes& input, std::size_t size);

  BlockPool* pool_;
  Block* partial_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace peal::tls
