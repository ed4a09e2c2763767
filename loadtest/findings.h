// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/histogram.h"
#include "loadtest/options.h"
#include "loadtest/tally.h"
#include "loadtest/usage.h"

namespace peal::loadtest {

/// What a run has found. A value.
struct Findings {
  Options options;
  std::string url;      ///< as it was written
  std::string command;  ///< the command line
  std::string io;       ///< "io_uring", "epoll"
  std::string server;   ///< the names of the processes watched; may be empty
  std::time_t began = 0;

  // Connections.
  std::uint64_t opened = 0;
  double opening_seconds = 0;  ///< from the first connect(2) to the last that was open; or 0
  Histogram openings;          ///< ns
  std::map<std::string, std::uint64_t> failures;  ///< that did not open or were lost, by reason
  std::uint64_t compressed = 0;                   ///< connections that agreed on permessage-deflate

  // Messages; none in Scenario::connect.
  double seconds = 0;  ///< that were measured
  std::uint64_t sent = 0;
  std::uint64_t unsent = 0;
  std::uint64_t messages = 0;  ///< that arrived while it was measured
  std::uint64_t aside = 0;     ///< the same of those that publishers hear
  std::uint64_t bytes = 0;     ///< of payload, without those
  Histogram latency;  ///< ns, with those that were due while it was measured and came later
  Histogram lag;      ///< ns
  Duration interval{};
  std::vector<Interval> intervals;
  Faults faults;
  double held = 0;  ///< seconds that connections were held for, in Scenario::connect
  bool interrupted = false;

  // What it took.
  std::optional<CpuTime> server_cpu;  ///< while it was measured; in connect, while it opened
  CpuTime own_cpu;                    ///< the same
  std::optional<Memory> memory_before;
  std::optional<Memory> memory_open;  ///< with connections open, at the end
  std::uint64_t open_then = 0;        ///< how many those were

  bool has_messages() const { return options.scenario != Scenario::connect; }
  /// Messages, or connections where there are none: what CPU time is divided by.
  std::uint64_t units() const { return has_messages() ? messages + aside : opened; }
  /// Microseconds; 0 when there were none.
  double us_per_unit(const CpuTime& cpu) const;
  /// It was interrupted before all connections were open.
  bool cut_short() const { return interrupted && opened < options.total() && held == 0; }
  /// The share of its threads' time for which this client was at work, 0 to 1.
  double busy() const;
  /// It may have been at its own limit.
  bool saturated() const { return busy() >= 0.95; }
  /// Everything arrived and was right, and every connection lived to the end.
  bool good() const;
};

}  // namespace peal::loadtest
