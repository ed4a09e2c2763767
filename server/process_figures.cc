// SPDX-License-Identifier: Apache-2.0
#include "server/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace peal::server {
namespace {

// Fields of /proc/self/stat behind the name in parentheses, which may hold anything.
constexpr std::size_t kUserTicks = 11;
constexpr std::size_t kSystemTicks = 12;
constexpr std::size_t kThreads = 17;
constexpr std::size_t kStartTicks = 19;
constexpr std::size_t kVirtualBytes = 20;
constexpr std::size_t kResidentPages = 21;

std::vector<std::uint64_t> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  std::vector<std::uint64_t> fields;
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(text.substr(name_end + 1));
  for (std::string field; rest >> field;)
    fields.push_back(std::strtoull(field.c_str(), nullptr, 10));
  return fields;
}

double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Seconds since 1970, the same each time. Not from /proc/stat, which ProcSubset=pid hides
/// (systemd.exec(5)).
double boot_time() {
  static const double time = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  return time;
}

}  // namespace

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  const auto fields = stat_fields();
  if (fields.size() > kResidentPages) {
    const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto seconds = [&](std::size_t field) {
      return static_cast<double>(fields[field]) / tick;
    };
    figures.cpu_seconds = seconds(kUserTicks) + seconds(kSystemTicks);
    figures.start_time_seconds = boot_time() + seconds(kStartTicks);
    figures.threads = fields[kThreads];
    figures.virtual_bytes = fields[kVirtualBytes];
    figures.resident_bytes =
        fields[kResidentPages] * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code failure;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", failure);
       !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure))
    ++figures.open_files;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.most_files = limit.rlim_cur;
  return figures;
}

}  // namespace peal::server
