// SPDX-License-Identifier: Apache-2.0
#include "core/tls/record_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace peal::tls {

void RecordBuffer::release() {
  pool_->give(std::exchange(partial_, nullptr));
  size_ = 0;
}

/// Moves input to `partial_` until that holds `size` octets; false when there is not enough.
bool RecordBuffer::gather(Bytes& input, std::size_t size) {
  const std::size_t more = std::min(size - std::min(size, size_), input.size());
  if (more > 0) {
    // No more memory than the peer has sent octets for, but for the rounding.
    if (!partial_ || partial_->capacity < size_ + more) {
      Block* larger = pool_->take(size_ + more);
      if (size_ > 0) std::memcpy(larger->data(), partial_->data(), size_);
      pool_->give(std::exchange(partial_, larger));
    }
    std::memcpy(partial_->data() + size_, input.data(), more);
    input = input.subspan(more);
    size_ += more;
  }
  return size_ >= size;
}

}  // namespace peal::tls
