// SPDX-License-Identifier: Apache-2.0
// Queues, ports and buffers of TCP.
#include <unistd.h>

#include <algorithm>

#include "server/host/finding.h"

namespace peal::host {
namespace {

constexpr std::uint64_t kLongestQueue = 65'535;  // what peald asks for in listen(2)
constexpr std::uint64_t kFirstPort = 1'024;
constexpr std::uint64_t kLastPort = 65'535;
constexpr std::uint64_t kLeastBuffer = 64 << 10;

/// Connections that may wait in one queue when all clients come back at once.
std::uint64_t queue_wanted(const Demand& demand) {
  return std::min(kLongestQueue, demand.connections / demand.queues);
}

/// Of tcp_wmem and tcp_rmem: what one connection's buffer may grow to, where many are full.
std::optional<Finding> check_buffers(const Case& about, const char* name, const char* when) {
  const auto buffers = about.host.settings(name);
  const auto all = about.host.settings("net.ipv4.tcp_mem");
  const std::uint64_t slow = about.demand.connections / kSlowOneIn;
  if (buffers.size() != 3 || all.size() != 3 || slow == 0) return std::nullopt;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t most = std::max(kLeastBuffer, all[2] * page / slow / 4096 * 4096);
  if (buffers[2] <= most) return std::nullopt;
  const std::string middle = text(std::min(buffers[1], most));
  return Finding{
      std::string(name) + " lets a buffer grow to " + text(buffers[2]) + " bytes",
      "at most " + text(most),
      "sysctl -w " + std::string(name) + "=\"" + text(buffers[0]) + ' ' + middle + ' ' +
          text(most) + '"',
      "one client in " + text(kSlowOneIn) + " that " + when + " would fill net.ipv4.tcp_mem"};
}

}  // namespace

std::optional<Finding> at_least(const Host& host, const std::string& name, std::uint64_t wanted,
                                const std::string& why) {
  const auto value = host.setting(name);
  if (!value || *value >= wanted) return std::nullopt;
  return Finding{name + " is " + text(*value), "at least " + text(wanted),
                 "sysctl -w " + name + '=' + text(wanted), why};
}

std::optional<Finding> check_accept_queue(const Case& about) {
  return at_least(about.host, "net.core.somaxconn", queue_wanted(about.demand),
                  "clients that all come back at once wait there to be accepted");
}

std::optional<Finding> check_syn_backlog(const Case& about) {
  // With SYN cookies nobody is refused for it.
  if (about.host.setting("net.ipv4.tcp_syncookies").value_or(1) != 0) return std::nullopt;
  return at_least(about.host, "net.ipv4.tcp_max_syn_backlog", queue_wanted(about.demand),
                  "handshakes of TCP wait there, as net.ipv4.tcp_syncookies is 0");
}

std::optional<Finding> check_local_ports(const Case& about) {
  const auto range = about.host.settings("net.ipv4.ip_local_port_range");
  if (!about.demand.local_balancer || range.size() != 2 || range[0] > range[1]) return std::nullopt;
  const std::uint64_t ports = range[1] - range[0] + 1;
  const std::uint64_t wanted = std::min(kLastPort - kFirstPort + 1, about.demand.connections);
  if (ports >= wanted) return std::nullopt;
  return Finding{
      "net.ipv4.ip_local_port_range has " + text(ports) + " ports", "at least " + text(wanted),
      "sysctl -w net.ipv4.ip_local_port_range=\"" + text(kFirstPort) + ' ' + text(kLastPort) + '"',
      "a balancer on this machine has that many connections to one address of peald; "
      "by a Unix socket it has as many as it likes"};
}

std::optional<Finding> check_conntrack(const Case& about) {
  return at_least(about.host, "net.netfilter.nf_conntrack_max",
                  about.demand.connections + about.demand.connections / 4,
                  "a firewall tracks connections, and drops packets of those that it has no room "
                  "for");
}

std::optional<Finding> check_tcp_memory(const Case& about) {
  // A page for each connection: a message that is under way.
  const auto pages = about.host.settings("net.ipv4.tcp_mem");
  const std::uint64_t wanted = about.demand.connections;
  if (pages.size() != 3 || pages[1] >= wanted) return std::nullopt;
  return Finding{"net.ipv4.tcp_mem begins to save at " + text(pages[1]) + " pages",
                 "at least " + text(wanted),
                 "sysctl -w net.ipv4.tcp_mem=\"" + text(wanted / 4 * 3) + ' ' + text(wanted) + ' ' +
                     text(wanted / 2 * 3) + '"',
                 "a message under way takes one; above that the kernel shrinks the windows of all "
                 "connections"};
}

std::optional<Finding> check_send_buffers(const Case& about) {
  return check_buffers(about, "net.ipv4.tcp_wmem", "reads slowly");
}

std::optional<Finding> check_receive_buffers(const Case& about) {
  return check_buffers(about, "net.ipv4.tcp_rmem", "sends more than is taken from it");
}

}  // namespace peal::host
