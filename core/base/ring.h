// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "core/base/check.h"

namespace peal {

/// A first-in first-out queue of small values in one piece of memory, which doubles when it is full
/// and is never made smaller. Owner: whoever has it. Errors: none; out of memory ends the process.
template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

  /// Counted from the oldest. Requires: index < size().
  T& operator[](std::size_t index) {
    PEAL_DCHECK(index < size_);
    return values_[(first_ + index) & (capacity_ - 1)];
  }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    ++size_;
    back() = std::move(value);
  }
  /// Requires: not empty.
  T pop_front() {
    T value = std::move(front());
    first_ = (first_ + 1) & (capacity_ - 1);
    --size_;
    return value;
  }

 private:
  static constexpr std::size_t kFirst = 4;  // a power of two, and so are all that follow

  void grow() {
    const std::size_t larger = capacity_ == 0 ? kFirst : 2 * capacity_;
    auto values = std::make_unique<T[]>(larger);
    for (std::size_t i = 0; i < size_; ++i) values[i] = std::move((*this)[i]);
    values_ = std::move(values);
    capacity_ = larger;
    first_ = 0;
  }

  std::unique_ptr<T[]> values_;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace peal
