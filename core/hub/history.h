// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/intrusive_list.h"
#include "core/base/ring.h"
#include "core/base/time.h"
#include "core/hub/memory.h"
#include "core/hub/mesh.h"
#include "core/hub/topic_policy.h"

namespace peal::hub {

/// The messages that a topic keeps, oldest first, without a gap in their offsets.
///
/// Owner: a topic at its home. Thread: the shard's.
/// Limits: TopicPolicy::history_size and history_age; its owner sees to the memory of all of them.
class History : public ListHook<History> {
 public:
  /// `topic`: whom it belongs to.
  History(SlotId topic, const TopicPolicy& policy) : topic_(topic), policy_(&policy) {}

  SlotId topic() const { return topic_; }
  const TopicPolicy& policy() const { return *policy_; }
  /// One that allows fewer messages leaves a surplus(), for its owner to let go of.
  void set_policy(const TopicPolicy& policy) { policy_ = &policy; }
  /// Messages above TopicPolicy::history_size, the oldest ones.
  std::size_t surplus() const {
    return size() > policy_->history_size ? size() - policy_->history_size : 0;
  }
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  /// Bytes that it takes, messages included.
  std::size_t cost() const { return messages_cost_ + entries_.capacity() * sizeof(Entry); }
  /// When the newest message came. Requires: not empty.
  Instant newest() { return entries_.back().at; }
  /// Requires: not empty.
  std::uint64_t first_offset() { return entries_.front().message->offset; }
  /// Of the oldest that is no surplus and not too old; one more than the newest's when all are.
  /// O(log size()).
  /// Requires: not empty.
  std::uint64_t first_offset(Instant now);

  /// Takes a reference to a message, and lets the oldest go when there are too many, `most` of
  /// them.
  void add(Memory& memory, Message* message, Instant now, std::size_t most);
  void pop_front(Memory& memory);
  void clear(Memory& memory);
  /// Lets those go that are too old, the oldest `most` of them. Returns how many went.
  std::size_t expire(Memory& memory, Instant now, std::size_t most);

  /// Whether messages went for lack of memory since the last one came.
  bool gives_way() const { return gives_way_; }
  void set_gives_way() { gives_way_ = true; }

  /// Messages from `offset` on, in `forms`; each with a reference that is the page's owner's.
  /// Limits: kPageMessages, and as many as take kPageBytes or `room` bytes in an outbox, but one at
  /// least. Requires: `offset` is no less than first_offset().
  Page* page(Memory& memory, std::uint64_t offset, std::size_t room, FormSet forms,
             std::string_view topic);

  /// Bytes that a message takes in a history.
  static std::size_t cost_of(const Message& message);

  static constexpr std::size_t kPageMessages = 64;
  static constexpr std::size_t kPageBytes = 256 << 10;

 private:
  struct Entry {
    Message* message = nullptr;
    Instant at{};
  };

  bool too_old(std::size_t index, Instant now);
  static std::size_t size_of(const Message& message, FormSet forms);

  SlotId topic_;
  const TopicPolicy* policy_;
  Ring<Entry> entries_;
  std::size_t messages_cost_ = 0;
  bool gives_way_ = false;
};

}  // namespace peal::hub
