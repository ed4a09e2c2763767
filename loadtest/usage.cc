// SPDX-License-Identifier: Apache-2.0
#include "loadtest/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

namespace peal::loadtest {
namespace {

std::ifstream open_proc(pid_t pid, const char* name) {
  return std::ifstream("/proc/" + std::to_string(pid) + '/' + name);
}

Duration to_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// utime and stime of proc(5), stat.
void read_ticks(pid_t pid, CpuTime& time) {
  std::ifstream file = open_proc(pid, "stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long long user = 0;
  long long system = 0;
  if (!(fields >> user >> system)) return;
  const Duration tick = std::chrono::nanoseconds(std::chrono::seconds(1)) / sysconf(_SC_CLK_TCK);
  time.user += user * tick;
  time.system += system * tick;
}

/// The value of a line "name: 123 kB" in bytes.
std::optional<std::uint64_t> read_kib(std::ifstream file, const std::string& name) {
  std::string word;
  std::uint64_t kib = 0;
  while (file >> word)
    if (word == name && file >> kib) return kib * 1024;
  return std::nullopt;
}

}  // namespace

std::optional<CpuTime> cpu_time_of(std::span<const pid_t> pids) {
  if (pids.empty()) return std::nullopt;
  CpuTime time;
  for (const pid_t pid : pids) {
    clockid_t clock;
    timespec now;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &now) != 0)
      return std::nullopt;
    time.total += std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    read_ticks(pid, time);
  }
  return time;
}

std::optional<Memory> memory_of(std::span<const pid_t> pids) {
  if (pids.empty()) return std::nullopt;
  Memory memory;
  bool known = true;
  for (const pid_t pid : pids) {
    const auto resident = read_kib(open_proc(pid, "status"), "VmRSS:");
    if (!resident) return std::nullopt;
    memory.resident += *resident;
    const auto proportional = read_kib(open_proc(pid, "smaps_rollup"), "Pss:");
    known = known && proportional;
    memory.proportional += proportional.value_or(0);
  }
  if (!known) memory.proportional = 0;
  return memory;
}

CpuTime own_cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const Duration user = to_duration(usage.ru_utime);
  const Duration system = to_duration(usage.ru_stime);
  return {user + system, user, system};
}

std::string name_of_process(pid_t pid) {
  std::string name;
  std::ifstream file = open_proc(pid, "comm");
  std::getline(file, name);
  return name;
}

}  // namespace peal::loadtest
