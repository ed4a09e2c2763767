// SPDX-License-Identifier: Apache-2.0
#include "server/heartbeat.h"

#include <sys/eventfd.h>

namespace peal::server {

Heartbeat::Heartbeat(unsigned shards, Duration period)
    : period_(period),
      beats_(shards),
      missing_(shards),
      fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

/// A round ends when its last shard beats, and no other touches it then: each has beaten in it.
void Heartbeat::beat(unsigned shard) {
  const std::uint64_t round = round_.load(std::memory_order_acquire);
  if (beats_[shard].round.exchange(round, std::memory_order_relaxed) == round) return;
  if (missing_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  missing_.store(static_cast<unsigned>(beats_.size()), std::memory_order_relaxed);
  round_.store(round + 1, std::memory_order_release);
  eventfd_write(fd_.get(), 1);
}

bool Heartbeat::take() {
  eventfd_t rounds;
  return eventfd_read(fd_.get(), &rounds) == 0;
}

}  // namespace peal::server
