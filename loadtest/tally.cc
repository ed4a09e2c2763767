// SPDX-License-Identifier: Apache-2.0
#include "loadtest/tally.h"

#include <algorithm>

namespace peal::loadtest {

void Faults::add(const Faults& other) {
  wrong += other.wrong;
  out_of_order += other.out_of_order;
  unexpected += other.unexpected;
  missing += other.missing;
  refused += other.refused;
  if (other.refused > 0) refused_status = other.refused_status;
}

void Tally::plan(const Schedule& schedule) {
  schedule_ = schedule;
  const auto count =
      (schedule.end - schedule.begin + schedule.interval - Duration(1)) / schedule.interval;
  intervals_.resize(static_cast<std::size_t>(count));
  planned_ = true;
}

void Tally::turn(Instant now) {
  live.received.store(received_, std::memory_order_relaxed);
  if (!planned_) return;
  over_ = now >= schedule_.end;
  current_ = nullptr;
  if (now < schedule_.begin || over_) return;
  current_ = &intervals_[static_cast<std::size_t>((now - schedule_.begin) / schedule_.interval)];
}

void Tally::stop(Instant end) {
  schedule_.end = std::min(schedule_.end, end);
  turn(end);
}

void Tally::arrive_late(std::uint64_t latency, Instant now) {
  const Instant due = now - std::chrono::nanoseconds(latency);
  if (due >= schedule_.begin && due < schedule_.end) late_.record(latency);
}

}  // namespace peal::loadtest
