// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/intrusive_list.h"
#include "core/hub/outbox.h"

namespace peal::hub {

/// The outboxes that something is to be done for at the end of a turn, first in, first out in two
/// queues: what clients asked for goes before what was published, or one client's answer would wait
/// behind a thousand deliveries.
///
/// Owner: a Shard. Thread: the shard's.
class DueList {
 public:
  /// Puts it among the answers; takes it from the deliveries if it waits there.
  void add_answer(Outbox& outbox) {
    if (outbox.linked()) {
      if (outbox.answers_) return;
      outbox.unlink();
      ++taken_;
    }
    outbox.answers_ = true;
    answers_.push_back(outbox);
  }
  /// Puts it among the deliveries unless it is in either queue.
  void add_delivery(Outbox& outbox) {
    if (outbox.linked()) return;
    outbox.answers_ = false;
    deliveries_.push_back(outbox);
    ++added_;
  }

  /// Takes the next one out of its queue; null when there is none.
  Outbox* pop_answer() { return answers_.pop_front(); }
  Outbox* pop_delivery() {
    Outbox* outbox = deliveries_.pop_front();
    if (outbox) ++taken_;
    return outbox;
  }

  bool has_deliveries() const { return !deliveries_.empty(); }
  bool empty() const { return answers_.empty() && deliveries_.empty(); }

  /// A place behind all deliveries that wait now.
  std::uint64_t end() const { return added_; }
  /// Whether none is left of those that were before a place.
  bool is_past(std::uint64_t place) const { return taken_ >= place || deliveries_.empty(); }

 private:
  IntrusiveList<Outbox> answers_;
  IntrusiveList<Outbox> deliveries_;
  std::uint64_t added_ = 0;  // deliveries
  std::uint64_t taken_ = 0;
};

}  // namespace peal::hub
