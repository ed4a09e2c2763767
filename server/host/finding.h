// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "server/host/demand.h"
#include "server/host/host.h"

namespace peal::host {

/// Something that would hold a configuration back.
struct Finding {
  std::string is;      ///< "net.core.somaxconn is 128"
  std::string wanted;  ///< "at least 4096"
  std::string fix;     ///< a command, or a key of the unit or of the configuration
  std::string why;
};

/// What checks look at.
struct Case {
  const Host& host;
  const Probes& probes;
  const Demand& demand;
};

/// Looks for one thing. No value: it holds nothing back, or this machine does not have it.
using Check = std::optional<Finding> (*)(const Case&);

/// "4096"
inline std::string text(std::uint64_t number) {
  return std::to_string(number);
}

/// A kernel setting that must not be less than `wanted`.
std::optional<Finding> at_least(const Host& host, const std::string& name, std::uint64_t wanted,
                                const std::string& why);

// files.cc
std::optional<Finding> check_open_files(const Case& about);
std::optional<Finding> check_nr_open(const Case& about);
std::optional<Finding> check_file_max(const Case& about);
std::optional<Finding> check_inotify_instances(const Case& about);
std::optional<Finding> check_inotify_watches(const Case& about);
std::optional<Finding> check_epoll_watches(const Case& about);
std::optional<Finding> check_readable(const Case& about);

// network.cc
std::optional<Finding> check_accept_queue(const Case& about);
std::optional<Finding> check_syn_backlog(const Case& about);
std::optional<Finding> check_local_ports(const Case& about);
std::optional<Finding> check_conntrack(const Case& about);
std::optional<Finding> check_tcp_memory(const Case& about);
std::optional<Finding> check_send_buffers(const Case& about);
std::optional<Finding> check_receive_buffers(const Case& about);

// machine.cc
std::optional<Finding> check_uring(const Case& about);
std::optional<Finding> check_cpus(const Case& about);
std::optional<Finding> check_cpu_quota(const Case& about);
std::optional<Finding> check_memory(const Case& about);
std::optional<Finding> check_cgroup_memory(const Case& about);
std::optional<Finding> check_map_count(const Case& about);

}  // namespace peal::host
