// SPDX-License-Identifier: Apache-2.0
#include "server/host/demand.h"

#include <algorithm>

#include "core/base/ip_address.h"
#include "core/io/buffer_pool.h"
#include "core/io/file_limit.h"

namespace peal::host {
namespace {

// docs/PERFORMANCE.md: a connection that is subscribed, and what TLS adds to it.
constexpr std::uint64_t kConnection = 350;
constexpr std::uint64_t kTls = 550;
// The kernel's part at rest, by what its slabs grow on Linux 6.18: a TCP socket (2,368), its inode,
// file and directory entry, and what else is taken for it.
constexpr std::uint64_t kKernel = 4'608;
constexpr std::uint64_t kProcess = 32 << 20;
// Receive buffers once all have been full, and what pools keep after a burst.
constexpr std::uint64_t kReactor =
    std::uint64_t{io::BufferPool::kCount} * io::BufferPool::kSize + (16 << 20);
// Descriptors beside connections and sockets that listen: of a reactor its ring or epoll, timers
// and wake-ups; of the process the log, signals, watches and files that are being read.
constexpr std::uint64_t kReactorFiles = 4;
constexpr std::uint64_t kProcessFiles = 16;

bool trusts_this_machine(const std::vector<std::string>& trust) {
  const IpAddress v4 = *IpAddress::parse("127.0.0.1");
  const IpAddress v6 = *IpAddress::parse("::1");
  return std::ranges::any_of(trust, [&](const std::string& text) {
    const auto network = IpPrefix::parse(text);
    return network && (network->contains(v4) || network->contains(v6));
  });
}

/// Whether a balancer on this machine may be in front of it, one local port a connection.
bool has_local_balancer(const config::Listen& listen) {
  return !listen.host.empty() &&
         (trusts_this_machine(listen.proxy.trust) || trusts_this_machine(listen.forwarded.trust));
}

/// The least limit whose reserve leaves that many connections, and `others` besides.
std::uint64_t files_wanted(std::uint64_t connections, std::uint64_t others) {
  std::uint64_t files = connections;
  while (files - std::min(files, io::spare_files(files)) < connections)
    files = connections + io::spare_files(files);
  return std::max(files, connections + others);
}

void add_routes(Demand& demand, const config::Config& config) {
  std::uint64_t queue = config.limits.route.queue_size;
  demand.message_size = config.limits.route.message_size;
  for (const config::Route& route : config.routes) {
    queue = std::max(queue, route.limits.queue_size);
    demand.message_size = std::max(demand.message_size, route.limits.message_size);
  }
  demand.queued = demand.connections / kSlowOneIn * queue;
}

}  // namespace

std::vector<std::string> files_of(const config::Config& config) {
  std::vector<std::string> files;
  for (const config::Listen& listen : config.listen) {
    if (!listen.tls) continue;
    for (const config::CertificateFiles& pair : listen.tls->certificates) {
      files.push_back(pair.cert);
      files.push_back(pair.key);
    }
    if (!listen.tls->client_ca.empty()) files.push_back(listen.tls->client_ca);
  }
  for (const config::Route& route : config.routes)
    if (route.auth) files.push_back(route.auth->bearer_file);
  std::ranges::sort(files);
  files.erase(std::ranges::unique(files).begin(), files.end());
  return files;
}

Demand demand_of(const config::Config& config, const Host& host) {
  Demand demand;
  demand.reactors_given = config.server.threads > 0;
  demand.reactors = demand.reactors_given ? config.server.threads : host.cpus();
  demand.connections_given = config.limits.connections > 0;
  const std::uint64_t files = host.hard_limit("Max open files").value_or(1024);
  demand.connections =
      demand.connections_given ? config.limits.connections : io::most_connections(files, 0);
  demand.uring = config.server.io != config::IoChoice::epoll;
  const bool tls = std::ranges::any_of(
      config.listen, [](const config::Listen& listen) { return listen.tls.has_value(); });
  demand.at_rest = kKernel + kConnection + (tls ? kTls : 0);
  demand.fixed = kProcess + demand.reactors * kReactor;
  demand.local_balancer = std::ranges::any_of(config.listen, has_local_balancer);
  // An IP address has a socket for each reactor, any other only one queue.
  const bool shared = std::ranges::any_of(
      config.listen, [](const config::Listen& listen) { return listen.host.empty(); });
  demand.queues = shared ? 1 : demand.reactors;
  demand.open_files = files_wanted(
      demand.connections, (config.listen.size() + kReactorFiles) * demand.reactors + kProcessFiles);
  const bool keeps = std::ranges::any_of(config.topics, [](const config::Topic& topic) {
    return topic.history && topic.history->size > 0;
  });
  demand.history = keeps ? config.limits.history_memory : 0;
  demand.files_read = files_of(config).size();
  add_routes(demand, config);
  return demand;
}

}  // namespace peal::host
