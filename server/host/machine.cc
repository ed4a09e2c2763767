// SPDX-License-Identifier: Apache-2.0
// CPUs, memory and io_uring.
#include <algorithm>

#include "server/host/finding.h"

namespace peal::host {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// From this size on malloc(3) maps a block by itself, at least at first.
constexpr std::uint64_t kOwnMap = 128 << 10;
constexpr std::uint64_t kProcessMaps = 1'024;
constexpr std::uint64_t kReactorMaps = 64;

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + kMiB - 1) / kMiB) + " MiB";
}

/// "2" or "1.5", of thousandths.
std::string cpus_text(std::uint64_t thousandths) {
  std::string text = std::to_string(thousandths / 1000);
  if (const std::uint64_t tenths = thousandths % 1000 / 100; tenths > 0)
    text += '.' + std::to_string(tenths);
  return text;
}

/// What the memory is for: "523776 connections 2214 MiB, ..."
std::string parts(const Demand& demand) {
  std::string text = std::to_string(demand.connections) + " connections at rest " +
                     mebibytes(demand.connections * demand.at_rest) + ", full queues of one in " +
                     std::to_string(kSlowOneIn) + " of them " + mebibytes(demand.queued);
  if (demand.history > 0) text += ", histories " + mebibytes(demand.history);
  return text + ", the process " + mebibytes(demand.fixed);
}

/// What to change in the configuration: a number of connections that fits where there is one.
std::string less(const Demand& demand, std::uint64_t available) {
  const std::uint64_t fixed = demand.fixed + demand.history;
  const std::uint64_t each =
      demand.at_rest + demand.queued / std::max<std::uint64_t>(1, demand.connections);
  if (available <= fixed + each) return "smaller limits.history_memory or server.threads";
  return "limits.connections = " + std::to_string((available - fixed) / each) +
         ", or smaller limits.queue_size";
}

std::optional<Finding> memory_finding(const Demand& demand, std::optional<std::uint64_t> available,
                                      const std::string& what, const std::string& more) {
  if (!available || *available >= demand.memory()) return std::nullopt;
  return Finding{what + " is " + mebibytes(*available), "at least " + mebibytes(demand.memory()),
                 more + less(demand, *available), parts(demand)};
}

std::string how_to_allow_uring(const Case& about) {
  if (const auto value = about.host.setting("kernel.io_uring_disabled"); value.value_or(0) != 0)
    return "sysctl -w kernel.io_uring_disabled=0";
  if (about.probes.uring.find("seccomp") != std::string::npos)
    return "a seccomp profile that has io_uring_setup, io_uring_enter and io_uring_register";
  return "Linux 6.1 or later";
}

}  // namespace

std::optional<Finding> check_uring(const Case& about) {
  if (!about.demand.uring || about.probes.uring.empty()) return std::nullopt;
  return Finding{about.probes.uring, "io_uring",
                 how_to_allow_uring(about) + ", or server.io = \"epoll\"",
                 "it costs less CPU time than epoll"};
}

std::optional<Finding> check_cpus(const Case& about) {
  const unsigned cpus = about.host.cpus();
  if (about.demand.reactors <= cpus) return std::nullopt;
  const std::string count = std::to_string(cpus);
  return Finding{"CPUs to run on: " + count,
                 std::to_string(about.demand.reactors) + ", one for each reactor",
                 "server.threads = " + count + ", or CPUAffinity= and AllowedCPUs= of the unit",
                 "reactors that share a CPU wait for each other"};
}

std::optional<Finding> check_cpu_quota(const Case& about) {
  const auto quota = about.host.cgroup_cpu();
  if (!quota || *quota >= std::uint64_t{1000} * about.demand.reactors) return std::nullopt;
  const std::string percent = std::to_string(100 * about.demand.reactors);
  return Finding{"the cgroup's quota is " + cpus_text(*quota) + " CPUs",
                 std::to_string(about.demand.reactors) + ", one for each reactor",
                 "CPUQuota=" + percent + "% in the unit, or server.threads = " +
                     std::to_string(std::max<std::uint64_t>(1, *quota / 1000)),
                 "when it is used up all of peald stands still for the rest of a period"};
}

std::optional<Finding> check_memory(const Case& about) {
  return memory_finding(about.demand, about.host.memory_available(), "memory that is available",
                        "more memory, ");
}

std::optional<Finding> check_cgroup_memory(const Case& about) {
  return memory_finding(about.demand, about.host.cgroup_memory(), "the cgroup's limit of memory",
                        "MemoryMax= in the unit, ");
}

std::optional<Finding> check_map_count(const Case& about) {
  const Demand& demand = about.demand;
  std::uint64_t wanted = kProcessMaps + kReactorMaps * demand.reactors;
  if (demand.message_size >= kOwnMap) wanted += (demand.history + demand.queued) / kOwnMap;
  return at_least(about.host, "vm.max_map_count", wanted,
                  "each message of 128 KiB or more that is kept or waits may be a map");
}

}  // namespace peal::host
