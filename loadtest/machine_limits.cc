// SPDX-License-Identifier: Apache-2.0
#include "loadtest/machine_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "core/io/file_limit.h"
#include "loadtest/sources.h"
#include "loadtest/text.h"

namespace peal::loadtest {
namespace {

std::string range_text(const PortRange& ports) {
  return std::to_string(ports.first) + " to " + std::to_string(ports.last);
}

/// With io_uring, each thread has room for as many once more.
std::string more_threads(std::uint64_t needed, std::uint64_t hard, std::uint64_t rings) {
  if (rings == 0) return {};
  while (io::most_connections(hard, rings) < needed) ++rings;
  return "Or use --threads " + std::to_string(rings) + ". ";
}

}  // namespace

std::uint64_t files_needed(std::uint64_t connections, std::uint32_t threads) {
  constexpr std::uint64_t kReserve = 24;
  constexpr std::uint64_t kPerThread = 4;
  return connections + kReserve + kPerThread * threads;
}

std::optional<std::string> too_few_files(std::uint64_t needed, std::uint64_t hard,
                                         std::uint64_t rings) {
  if (needed <= hard || (rings > 0 && needed <= io::most_connections(hard, rings)))
    return std::nullopt;
  const std::string count = std::to_string(needed);
  return "this needs " + grouped(needed) + " open files, but the hard limit of this process is " +
         grouped(hard) + ". Raise it: `ulimit -Hn " + count +
         "` in a root shell, `prlimit --pid $$ " + "--nofile=" + count +
         "` as root, or `* hard nofile " + count +
         "` in /etc/security/limits.conf; the sysctl fs.nr_open is the most that any of them "
         "takes. " +
         more_threads(needed, hard, rings) +
         "Or share the connections among several peal-load with a --source each";
}

std::expected<void, std::string> ensure_files(std::uint64_t needed, std::uint64_t rings) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return {};
  if (limit.rlim_cur >= needed) return {};
  if (auto problem = too_few_files(needed, limit.rlim_max, rings)) return std::unexpected(*problem);
  limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
    return std::unexpected("this needs " + grouped(needed) +
                           " open files, and the soft limit cannot be raised: `ulimit -n " +
                           std::to_string(needed) + '`');
  return {};
}

PortRange local_ports() {
  PortRange ports;
  PortRange read;
  if (std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> read.first >> read.last &&
      read.first <= read.last)
    ports = read;
  return ports;
}

std::uint64_t sources_needed(std::uint64_t connections, const PortRange& ports) {
  return (connections + ports.count() - 1) / ports.count();
}

std::uint64_t sources_wanted(std::uint64_t connections, const PortRange& ports) {
  return connections <= ports.count() / 2 ? 1 : sources_needed(4 * connections, ports);
}

std::expected<void, std::string> ensure_ports(Options& options, const SocketAddress& server,
                                              const PortRange& ports) {
  for (const SocketAddress& source : options.sources)
    if (source.family() != server.family())
      return std::unexpected("--source: the server's address is IPv" +
                             std::string(server.family() == AF_INET6 ? "6" : "4") +
                             ", and one of these is not");
  const std::uint64_t needed = sources_needed(options.total(), ports);
  const std::uint64_t given = options.sources.empty() ? 1 : options.sources.size();
  const std::uint64_t wanted = sources_wanted(options.total(), ports);
  if (wanted > 1 && options.sources.empty() && server.is_loopback() && server.family() == AF_INET &&
      wanted <= kMaxSources) {
    options.sources = loopback_sources(static_cast<std::uint32_t>(wanted));
    return {};
  }
  if (given >= needed) return {};
  return std::unexpected(grouped(options.total()) + " connections to one address need " +
                         std::to_string(needed) + " source addresses, as each has the " +
                         grouped(ports.count()) + " local ports " + range_text(ports) +
                         ": name them with --source FIRST-LAST, or widen the range by `sysctl -w " +
                         "net.ipv4.ip_local_port_range=\"1024 65535\"` (" + std::to_string(given) +
                         " given)");
}

std::string hint_for(int error) {
  switch (error) {
    case EADDRNOTAVAIL:
      return "no local port is free, or a --source is no address of this machine. Ports: " +
             range_text(local_ports()) + "; add source addresses with --source, or widen them by " +
             "`sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`";
    case EMFILE:
      return "the limit of open files: `ulimit -n`";
    case ENFILE:
      return "the limit of open files of the whole system: `sysctl fs.file-max`";
    case ECONNREFUSED:
      return "nobody listens there, or the server's queue is full and "
             "net.ipv4.tcp_abort_on_overflow is set";
    case ECONNRESET:
    case ETIMEDOUT:
      return "the server may be at a limit of its own: its open files (`ulimit -n`), its limit of "
             "connections, or the queue of those that wait to be accepted (its listen backlog, "
             "`sysctl net.core.somaxconn` = " +
             std::to_string(accept_queue()) + "); --ramp-up opens more slowly";
    case ENOBUFS:
    case ENOMEM:
      return "the kernel has no memory for it: `sysctl net.ipv4.tcp_mem`";
    default:
      return {};
  }
}

std::uint32_t accept_queue() {
  std::uint32_t most = 4096;
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  return most;
}

}  // namespace peal::loadtest
