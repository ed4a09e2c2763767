// SPDX-License-Identifier: Apache-2.0
#include "core/io/uring_enter.h"

#include <csignal>

namespace peal::io {
namespace {

// Of Linux 6.15.
constexpr unsigned kFeatureNoIowait = 1U << 17;
constexpr unsigned kEnterNoIowait = 1U << 7;

}  // namespace

UringEnter::UringEnter(io_uring& ring) : ring_(ring) {
  if (io_uring_register_ring_fd(&ring) == 1) flags_ |= IORING_ENTER_REGISTERED_RING;
  if (ring.features & kFeatureNoIowait) flags_ |= kEnterNoIowait;
}

/// Shows the kernel what was prepared; returns how many it has not taken.
unsigned UringEnter::publish() {
  io_uring_sq& sq = ring_.sq;
  const unsigned mask = sq.ring_mask;
  for (; sq.sqe_head != sq.sqe_tail; ++sq.sqe_head)
    if (sq.array) sq.array[sq.sqe_head & mask] = sq.sqe_head & mask;
  io_uring_smp_store_release(sq.ktail, sq.sqe_tail);
  return io_uring_sq_ready(&ring_);
}

int UringEnter::operator()(unsigned least, std::optional<Duration> timeout) {
  const unsigned count = publish();
  if (!timeout)
    return io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), count, least, flags_,
                           nullptr, _NSIG / 8);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*timeout);
  const __kernel_timespec limit{.tv_sec = seconds.count(), .tv_nsec = (*timeout - seconds).count()};
  io_uring_getevents_arg argument{.sigmask = 0,
                                  .sigmask_sz = _NSIG / 8,
                                  .pad = 0,
                                  .ts = reinterpret_cast<std::uintptr_t>(&limit)};
  return io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), count, least,
                         flags_ | IORING_ENTER_EXT_ARG, reinterpret_cast<sigset_t*>(&argument),
                         sizeof argument);
}

}  // namespace peal::io
