// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/hub/message.h"

namespace peal::hub {

struct TopicUse;

/// The newest message of a topic, on its way to a client that has no room.
struct Latest {
  Message* message = nullptr;
  std::uint64_t topic = 0;  ///< Parcel::name_hash
  TopicUse* use = nullptr;  ///< by which it comes
  Latest* before = nullptr;
  Latest* after = nullptr;
  Latest* next_of_bucket = nullptr;
};

/// What waits for a slow client to have room, under SlowClient::latest: of each topic one message,
/// in the order in which topics fell behind. All calls but those of a pattern's end are O(1).
///
/// Owner: a Hub; made when an outbox is full for the first time. It does not own what it links.
/// Thread: the shard's. Errors: none.
class LatestQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  /// The one that has waited longest; null when there is none.
  Latest* first() const { return first_; }

  /// Null when nothing of the topic waits.
  Latest* find(std::uint64_t topic) const;
  /// Requires: nothing of its topic waits.
  void push_back(Latest& latest);
  /// Requires: it is in this queue.
  void remove(Latest& latest);

 private:
  static constexpr std::size_t kFirstBuckets = 8;  // a power of two, and so are all that follow

  Latest*& bucket_of(std::uint64_t topic) { return buckets_[topic & (buckets_.size() - 1)]; }
  void grow();

  Latest* first_ = nullptr;
  Latest* last_ = nullptr;
  std::size_t size_ = 0;
  std::vector<Latest*> buckets_;
};

}  // namespace peal::hub
