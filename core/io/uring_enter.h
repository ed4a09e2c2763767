// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <optional>

#include "core/base/time.h"

namespace peal::io {

/// How a ring's submissions are handed over, and its completions waited for: io_uring_enter(2) as
/// liburing calls it, but without the time counting as waiting for a disk. It would be shown as 100
/// % of "iowait" and as pressure on I/O (IORING_ENTER_NO_IOWAIT of Linux 6.15, which liburing has
/// since 2.12 only).
///
/// Owner: a UringBackend. Thread: the reactor's.
class UringEnter {
 public:
  /// Spares the look-up of the ring's descriptor in each call; where that is refused, it works
  /// without. Requires: the ring is set up, and stays where it is.
  explicit UringEnter(io_uring& ring);

  /// Submits what is there and waits for `least` completions, no longer than `timeout`; runs what
  /// the kernel has put off until then (IORING_SETUP_DEFER_TASKRUN) in any case. Returns how many
  /// were submitted, or -errno, among them -ETIME.
  int operator()(unsigned least, std::optional<Duration> timeout);

 private:
  unsigned publish();

  io_uring& ring_;
  unsigned flags_ = IORING_ENTER_GETEVENTS;
};

}  // namespace peal::io
