// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "loadtest/histogram.h"

namespace peal::loadtest {

/// A piece of the time that is measured.
struct Interval {
  std::uint64_t messages = 0;  ///< that arrived in it
  std::uint64_t bytes = 0;     ///< of payload
  Histogram latency;
};

/// What was wrong with messages. All zero: every message arrived and was right.
struct Faults {
  std::uint64_t wrong = 0;         ///< not the octets, or not the kind, that was sent
  std::uint64_t out_of_order = 0;  ///< right, but not the one whose turn it was
  std::uint64_t unexpected = 0;    ///< nobody had sent it
  std::uint64_t missing = 0;
  std::uint64_t refused = 0;  ///< publications that were not answered with 2xx
  int refused_status = 0;     ///< the last such answer

  std::uint64_t sum() const { return wrong + out_of_order + unexpected + missing + refused; }
  void add(const Faults& other);
};

/// What is measured, and when.
struct Schedule {
  Instant origin;  ///< sending begins
  Instant begin;   ///< of what is measured
  Instant end;
  Duration interval{};
};

/// What one worker counts. Owner: a Worker. Thread: the worker's while it runs, but for the live
/// figures, which anyone may read; afterwards the run's.
class Tally {
 public:
  /// Before anything arrives.
  void plan(const Schedule& schedule);

  /// In each turn before anything arrives.
  void turn(Instant now);

  /// What is measured ends at `end` if not before.
  void stop(Instant end);

  /// A message with `size` bytes of payload has arrived, `latency` ns after it was due.
  void arrive(std::uint64_t latency, std::uint64_t size, Instant now) {
    ++received_;
    if (current_) {
      ++current_->messages;
      current_->bytes += size;
      current_->latency.record(latency);
    } else if (over_) {
      arrive_late(latency, now);
    }
  }
  /// One that is no part of what is measured, such as what a publisher hears.
  void arrive_aside() {
    ++received_;
    if (current_) ++aside_;
  }
  void fail(const std::string& reason) { ++failures[reason]; }

  const std::vector<Interval>& intervals() const { return intervals_; }
  /// Of messages that were due in the time measured and came later: they count for latency only.
  const Histogram& late() const { return late_; }
  /// Arrived aside in the time measured.
  std::uint64_t aside() const { return aside_; }

  Faults faults;
  std::uint64_t sent = 0;
  std::uint64_t unsent = 0;              ///< were due and could not be sent in time
  Histogram lag;                         ///< ns that sends were later than they were due
  Histogram openings;                    ///< ns from connect(2) to being open
  Instant first_began = Instant::max();  ///< to connect
  Instant last_opened = Instant::min();
  std::uint64_t compressed = 0;                   ///< connections that agreed on permessage-deflate
  std::map<std::string, std::uint64_t> failures;  ///< of connections, by reason

  struct Live {
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint32_t> opened{0};
    std::atomic<std::uint32_t> unopened{0};  ///< failed to
    std::atomic<std::uint32_t> lost{0};      ///< after they were open
  };
  Live live;

 private:
  void arrive_late(std::uint64_t latency, Instant now);

  Schedule schedule_;
  std::vector<Interval> intervals_;
  Histogram late_;
  Interval* current_ = nullptr;
  bool planned_ = false;
  bool over_ = false;  // the time measured is
  std::uint64_t received_ = 0;
  std::uint64_t aside_ = 0;
};

}  // namespace peal::loadtest
