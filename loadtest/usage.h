// SPDX-License-Identifier: Apache-2.0
// What processes take: CPU time and memory, as proc(5) has it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "core/base/time.h"

namespace peal::loadtest {

/// CPU time of all threads, those that have ended included.
struct CpuTime {
  Duration total{};
  Duration user{};    ///< in steps of 10 ms; 0 where not told
  Duration system{};  ///< the same

  CpuTime operator-(const CpuTime& other) const {
    return {total - other.total, user - other.user, system - other.system};
  }
  CpuTime operator*(double share) const {
    const auto part = [share](Duration time) {
      return std::chrono::duration_cast<Duration>(time * share);
    };
    return {part(total), part(user), part(system)};
  }
};

struct Memory {
  std::uint64_t resident = 0;      ///< bytes (RSS)
  std::uint64_t proportional = 0;  ///< bytes (PSS); 0 where one of them may not be known
};

/// Of all these processes together; nullopt when there are none, or one has gone.
std::optional<CpuTime> cpu_time_of(std::span<const pid_t> pids);
std::optional<Memory> memory_of(std::span<const pid_t> pids);

/// Of this process.
CpuTime own_cpu_time();

/// "peald", the name of a process; empty when there is none.
std::string name_of_process(pid_t pid);

}  // namespace peal::loadtest
