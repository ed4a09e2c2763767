// SPDX-License-Identifier: Apache-2.0
#include "server/host/host.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace peal::host {
namespace {

constexpr std::string_view kCgroups = "/sys/fs/cgroup";

std::optional<std::uint64_t> parse(std::string_view word) {
  if (word == "max" || word == "unlimited") return kUnlimited;
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// What follows `name` on the line that begins with it.
std::optional<std::string> line_of(const std::optional<std::string>& text, std::string_view name) {
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return line.substr(name.size());
  return std::nullopt;
}

/// "0-3,8" are five.
unsigned count_of(const std::string& list) {
  unsigned count = 0;
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    const auto dash = range.find('-');
    const auto first = parse(std::string_view(range).substr(0, dash));
    const auto last =
        dash == std::string::npos ? first : parse(std::string_view(range).substr(dash + 1));
    if (first && last && *first <= *last) count += static_cast<unsigned>(*last - *first + 1);
  }
  return count;
}

/// Keeps the lesser of what there is.
void lower(std::optional<std::uint64_t>& least, std::uint64_t value) {
  least = std::min(least.value_or(kUnlimited), value);
}

}  // namespace

std::optional<std::string> Host::text(const std::string& path) const {
  std::ifstream file(root_ + path);
  if (!file) return std::nullopt;
  std::ostringstream whole;
  whole << file.rdbuf();
  return whole.str();
}

std::vector<std::uint64_t> Host::numbers(const std::string& path) const {
  std::istringstream words(text(path).value_or(""));
  std::vector<std::uint64_t> values;
  for (std::string word; words >> word;)
    if (const auto value = parse(word)) values.push_back(*value);
  return values;
}

std::optional<std::uint64_t> Host::number(const std::string& path) const {
  const auto values = numbers(path);
  return values.empty() ? std::nullopt : std::optional(values.front());
}

std::vector<std::uint64_t> Host::settings(std::string_view name) const {
  std::string path = "/proc/sys/" + std::string(name);
  std::ranges::replace(path, '.', '/');
  return numbers(path);
}

std::optional<std::uint64_t> Host::setting(std::string_view name) const {
  const auto values = settings(name);
  return values.empty() ? std::nullopt : std::optional(values.front());
}

std::optional<std::uint64_t> Host::hard_limit(std::string_view name) const {
  // "Max open files            1024                 524288               files"
  std::istringstream words(line_of(text("/proc/self/limits"), name).value_or(""));
  std::string soft, hard;
  if (!(words >> soft >> hard)) return std::nullopt;
  return parse(hard);
}

std::optional<std::uint64_t> Host::memory_available() const {
  std::istringstream words(line_of(text("/proc/meminfo"), "MemAvailable:").value_or(""));
  std::uint64_t kibibytes = 0;
  if (!(words >> kibibytes)) return std::nullopt;
  return kibibytes << 10;
}

unsigned Host::cpus() const {
  std::istringstream words(line_of(text("/proc/self/status"), "Cpus_allowed_list:").value_or(""));
  std::string list;
  words >> list;
  return std::max(1u, count_of(list));
}

/// The folders of the cgroups above this process, of version 2 and of version 1 with `controller`.
/// A container may see itself at the root whatever /proc/self/cgroup says, so that is among them.
std::vector<std::string> Host::cgroups(std::string_view controller) const {
  std::vector<std::string> folders;
  std::istringstream lines(text("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // "0::/system.slice/peald.service", "4:memory:/system.slice"
    const auto second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    const bool unified = line.starts_with("0::");
    const std::string names = line.substr(line.find(':') + 1, second - line.find(':') - 1);
    if (!unified && names != controller && !names.starts_with(std::string(controller) + ','))
      continue;
    const std::string mount = std::string(kCgroups) + (unified ? "" : '/' + names);
    for (std::string path = line.substr(second + 1); !path.empty() && path != "/";
         path.resize(path.rfind('/')))
      folders.push_back(mount + path);
    folders.push_back(mount);
  }
  return folders;
}

std::optional<std::uint64_t> Host::cgroup_memory() const {
  std::optional<std::uint64_t> least;
  for (const std::string& folder : cgroups("memory"))
    for (const char* file : {"/memory.max", "/memory.limit_in_bytes"})
      if (const auto value = number(folder + file)) lower(least, *value);
  return least;
}

std::optional<std::uint64_t> Host::cgroup_cpu() const {
  std::optional<std::uint64_t> least;
  const auto take = [&](std::optional<std::uint64_t> quota, std::optional<std::uint64_t> period) {
    if (quota && period && *quota != kUnlimited && *period > 0)
      lower(least, *quota * 1000 / *period);
  };
  for (const std::string& folder : cgroups("cpu")) {
    const auto both = numbers(folder + "/cpu.max");
    if (both.size() == 2) take(both[0], both[1]);
    // -1, which is no number here, is no quota.
    take(number(folder + "/cpu.cfs_quota_us"), number(folder + "/cpu.cfs_period_us"));
  }
  return least;
}

}  // namespace peal::host
