// SPDX-License-Identifier: Apache-2.0
#include "server/host/check_host.h"
#include "core/base/counted.h"

namespace peal::host {
namespace {

/// Those without which peald does not start come first, then what costs clients, then what is
/// slower than it could be.
constexpr Check kChecks[] = {
    check_readable,      check_open_files,      check_nr_open,           check_file_max,
    check_epoll_watches, check_memory,          check_cgroup_memory,     check_accept_queue,
    check_syn_backlog,   check_local_ports,     check_conntrack,         check_tcp_memory,
    check_send_buffers,  check_receive_buffers, check_map_count,         check_cpus,
    check_cpu_quota,     check_uring,           check_inotify_instances, check_inotify_watches,
};

}  // namespace

std::vector<Finding> check_host(const config::Config& config, const Host& host,
                                const Probes& probes) {
  const Demand demand = demand_of(config, host);
  std::vector<Finding> findings;
  for (const Check check : kChecks)
    if (auto found = check({host, probes, demand})) findings.push_back(std::move(*found));
  return findings;
}

std::string report(const std::string& file, const Demand& demand,
                   const std::vector<Finding>& findings) {
  std::string text = file + ": " + counted(demand.connections, "connection") +
                     (demand.connections_given ? "" : " (limits.connections = 0)") + " on " +
                     counted(demand.reactors, "reactor") + ", " +
                     std::to_string(demand.memory() >> 20) + " MiB\n";
  for (const Finding& finding : findings)
    text += finding.is + "; wanted: " + finding.wanted + "; do: " + finding.fix +
            "; why: " + finding.why + '\n';
  if (findings.empty()) return text + "nothing on this machine holds it back\n";
  return text + counted(findings.size(), "thing") + " on this machine would hold it back\n";
}

}  // namespace peal::host
