// SPDX-License-Identifier: Apache-2.0
#include "core/hub/latest_queue.h"

#include "core/base/check.h"

namespace peal::hub {

Latest* LatestQueue::find(std::uint64_t topic) const {
  if (buckets_.empty()) return nullptr;
  Latest* found = buckets_[topic & (buckets_.size() - 1)];
  while (found && found->topic != topic) found = found->next_of_bucket;
  return found;
}

void LatestQueue::push_back(Latest& latest) {
  PEAL_DCHECK(!find(latest.topic));
  if (size_ == buckets_.size()) grow();
  ++size_;
  latest.before = last_;
  latest.after = nullptr;
  (last_ ? last_->after : first_) = &latest;
  last_ = &latest;
  Latest*& bucket = bucket_of(latest.topic);
  latest.next_of_bucket = bucket;
  bucket = &latest;
}

void LatestQueue::remove(Latest& latest) {
  --size_;
  (latest.before ? latest.before->after : first_) = latest.after;
  (latest.after ? latest.after->before : last_) = latest.before;
  Latest** link = &bucket_of(latest.topic);
  while (*link != &latest) link = &(*link)->next_of_bucket;
  *link = latest.next_of_bucket;
}

void LatestQueue::grow() {
  buckets_.assign(buckets_.empty() ? kFirstBuckets : 2 * buckets_.size(), nullptr);
  for (Latest* each = first_; each; each = each->after) {
    Latest*& bucket = bucket_of(each->topic);
    each->next_of_bucket = bucket;
    bucket = each;
  }
}

}  // namespace peal::hub
