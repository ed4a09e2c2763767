// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace peal {

/// Small plain objects handed out and taken back in O(1), newest first.
///
/// Owner: a shard. Thread: the shard's. Errors: none; out of memory ends the process.
/// Limits: grows by chunks of kChunk objects and keeps them. Objects still out when the pool is
/// destroyed are gone with it.
template <class T>
class ObjectPool {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  static constexpr std::size_t kChunk = 128;

  ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  /// An object with the value `initial`.
  T* take(const T& initial) {
    if (!free_) grow();
    Slot* slot = std::exchange(free_, free_->next_free);
    __builtin_prefetch(free_, 1);  // for the next one: what was given long ago is in no cache
    ++out_;
    slot->object = initial;
    return &slot->object;
  }

  /// Requires: `object` came from this pool.
  void give(T* object) {
    PEAL_DCHECK(out_ > 0);
    --out_;
    auto* slot = reinterpret_cast<Slot*>(object);  // a union and its members share one address
    slot->next_free = std::exchange(free_, slot);
  }

  /// How many are out.
  std::size_t out() const { return out_; }

 private:
  union Slot {
    Slot() : next_free(nullptr) {}
    Slot* next_free;
    T object;
  };

  void grow() {
    auto& chunk = chunks_.emplace_back(std::make_unique<Slot[]>(kChunk));
    for (std::size_t i = kChunk; i-- > 0;) chunk[i].next_free = std::exchange(free_, &chunk[i]);
  }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  Slot* free_ = nullptr;
  std::size_t out_ = 0;
};

}  // namespace peal
