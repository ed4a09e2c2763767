// SPDX-License-Identifier: Apache-2.0
// What the machine allows, and what to say when that is not enough.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "loadtest/options.h"

namespace peal::loadtest {

/// Descriptors that the process needs beside one for each connection: the standard ones, files that
/// it writes, and a few for each thread.
std::uint64_t files_needed(std::uint64_t connections, std::uint32_t threads);

/// Raises the soft limit of open files to what is needed, as far as it goes where `rings` threads
/// may have sockets aside. Error: that it cannot be, and what to do.
std::expected<void, std::string> ensure_files(std::uint64_t needed, std::uint64_t rings);
/// The same decision without the system: what is wrong when `hard` is the most.
std::optional<std::string> too_few_files(std::uint64_t needed, std::uint64_t hard,
                                         std::uint64_t rings);

/// Local ports that the kernel gives out by itself (net.ipv4.ip_local_port_range).
struct PortRange {
  std::uint32_t first = 32768;
  std::uint32_t last = 60999;

  std::uint32_t count() const { return last - first + 1; }
};
PortRange local_ports();

/// From how many addresses so many connections to one address have to come.
std::uint64_t sources_needed(std::uint64_t connections, const PortRange& ports);
/// The same so that the kernel finds a free port soon: with most of an address's ports taken,
/// connect(2) looks at one after another, a millisecond long.
std::uint64_t sources_wanted(std::uint64_t connections, const PortRange& ports);

/// Sees to it that there are ports for all connections: adds loopback addresses as sources where
/// the server is on loopback and none are given. Error: how many more are needed, and what to do.
std::expected<void, std::string> ensure_ports(Options& options, const SocketAddress& server,
                                              const PortRange& ports);

/// What may be behind a connection's failure by `error`, an errno(3), for people; may be empty.
std::string hint_for(int error);

/// The longest queue of connections that a server may have waiting (net.core.somaxconn).
std::uint32_t accept_queue();

}  // namespace peal::loadtest
