// SPDX-License-Identifier: Apache-2.0
// What this machine, and what holds this process on it, say of themselves.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::host {

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// Files of proc(5) and of cgroups below a root. Nothing is kept: each question reads anew.
///
/// Thread: any. Errors: what is not there, or no number, has no value.
class Host {
 public:
  /// `root`: "" is this machine; else a folder with files of the same names, for tests.
  explicit Host(std::string root = {}) : root_(std::move(root)) {}

  /// A whole file, "/proc/self/status".
  std::optional<std::string> text(const std::string& path) const;
  /// The numbers of a file of one line; "max" is kUnlimited. Empty when there is none.
  std::vector<std::uint64_t> numbers(const std::string& path) const;
  /// The first of them.
  std::optional<std::uint64_t> number(const std::string& path) const;
  /// Of a kernel setting by its name, "net.core.somaxconn".
  std::vector<std::uint64_t> settings(std::string_view name) const;
  std::optional<std::uint64_t> setting(std::string_view name) const;

  /// The hard limit of this process that /proc/self/limits calls `name`, "Max open files".
  std::optional<std::uint64_t> hard_limit(std::string_view name) const;
  /// MemAvailable of /proc/meminfo, in bytes.
  std::optional<std::uint64_t> memory_available() const;
  /// CPUs that this process may run on; at least one.
  unsigned cpus() const;
  /// The least memory.max of the cgroups that this process is in, in bytes.
  std::optional<std::uint64_t> cgroup_memory() const;
  /// The least cpu.max of them, in thousandths of a CPU.
  std::optional<std::uint64_t> cgroup_cpu() const;

 private:
  std::vector<std::string> cgroups(std::string_view controller) const;

  std::string root_;
};

/// What no file tells; found out by trying.
struct Probes {
  std::string uring = {};  ///< why io_uring cannot be used; empty: it can
  std::string user = {};   ///< who `unreadable` is about
  std::vector<std::string> unreadable =
      {};  ///< files of the configuration that this user cannot read
};

/// Those of `files` that `user` cannot open. Empty unless this process is root's, and where there
/// is no such user. Changes who this process is meanwhile: for one with a single thread.
std::vector<std::string> unreadable_by(const std::string& user,
                                       const std::vector<std::string>& files);

}  // namespace peal::host
