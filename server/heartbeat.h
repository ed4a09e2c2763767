// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/base/fd.h"
#include "core/base/time.h"

namespace peal::server {

/// Whether every reactor turns. Each beats from within its loop; when all of them have since the
/// last time, the one that was missing makes fd() readable. So one that is stuck keeps it silent.
///
/// Owner: the Server; outlives the shards. Thread: beat() on the named shard's, the rest on main's.
/// Errors: without an eventfd(2) it is silent.
class Heartbeat {
 public:
  /// `period`: between two beats of a reactor; zero: nobody asks, so none beats.
  Heartbeat(unsigned shards, Duration period);

  Duration period() const { return period_; }
  void beat(unsigned shard);

  int fd() const { return fd_.get(); }
  /// True when all have turned since it last was.
  bool take();

 private:
  /// The round that a shard has beaten in last.
  struct alignas(64) Beat {
    std::atomic<std::uint64_t> round{0};
  };

  const Duration period_;
  std::vector<Beat> beats_;
  std::atomic<std::uint64_t> round_{1};
  std::atomic<unsigned> missing_;
  Fd fd_;
};

}  // namespace peal::server
