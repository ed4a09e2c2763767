// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace peal {

/// Names a slot of a Slab and one stay in it. An id of an earlier stay is recognised as stale.
struct SlotId {
  std::uint32_t index = 0xffffffff;
  std::uint32_t generation = 0;  ///< 24 bits, so that an id and a tag fit into 64

  static constexpr std::uint32_t kGenerationMask = 0xffffff;
  friend bool operator==(const SlotId&, const SlotId&) = default;
};

/// Objects of one type at stable addresses, found by id in O(1).
///
/// Owner: a shard, or an object of one. Thread: the owner's.
/// Limits: grows by chunks of kChunk objects and keeps them; slots are used again, newest first.
template <class T>
class Slab {
 public:
  static constexpr std::uint32_t kChunk = 64;

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for_each([](T& object, SlotId) { object.~T(); });
  }

  /// Constructs T(id, args...).
  template <class... Args>
  T& emplace(Args&&... args) {
    if (free_ == kNone) grow();
    Slot& slot = at(free_);
    const SlotId id{free_, slot.generation};
    free_ = slot.next_free;
    slot.next_free = kTaken;
    ++size_;
    return *new (slot.storage) T(id, std::forward<Args>(args)...);
  }

  /// The object of that stay, or null when it has ended.
  T* find(SlotId id) {
    if (id.index >= chunks_.size() * kChunk) return nullptr;
    Slot& slot = at(id.index);
    if (slot.generation != id.generation || slot.next_free != kTaken) return nullptr;
    return slot.object();
  }

  /// The object in a slot, whichever stay it is in; null when the slot is free.
  T* at_index(std::uint32_t index) {
    if (index >= chunks_.size() * kChunk) return nullptr;
    Slot& slot = at(index);
    return slot.next_free == kTaken ? slot.object() : nullptr;
  }

  /// Ends the object's stay. Requires: `id` is live.
  void erase(SlotId id) {
    T* object = find(id);
    PEAL_CHECK(object);
    object->~T();
    Slot& slot = at(id.index);
    slot.generation = (slot.generation + 1) & SlotId::kGenerationMask;
    slot.next_free = free_;
    free_ = id.index;
    --size_;
  }

  std::size_t size() const { return size_; }

  /// Slots, taken or free: one more than the highest index.
  std::uint32_t slots() const { return static_cast<std::uint32_t>(chunks_.size()) * kChunk; }

  /// Visits every object with its id; the visitor may erase the one it is given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t index = 0; index < chunks_.size() * kChunk; ++index) {
      Slot& slot = at(index);
      if (slot.next_free == kTaken) visit(*slot.object(), SlotId{index, slot.generation});
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint32_t kTaken = 0xfffffffe;

  struct Slot {
    alignas(T) std::byte storage[sizeof(T)];
    std::uint32_t generation = 0;
    std::uint32_t next_free = kNone;

    T* object() { return std::launder(reinterpret_cast<T*>(storage)); }
  };

  Slot& at(std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }

  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) * kChunk;
    PEAL_CHECK(first < kTaken - kChunk);
    chunks_.push_back(std::make_unique<Slot[]>(kChunk));
    for (std::uint32_t i = kChunk; i-- > 0;) {
      at(first + i).next_free = free_;
      free_ = first + i;
    }
  }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::uint32_t free_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace peal
