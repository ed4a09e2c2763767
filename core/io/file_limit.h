// SPDX-License-Identifier: Apache-2.0
// How many files a process may have open, and how many of them connections may take.
#pragma once

#include <cstdint>

namespace peal::io {

/// Files that one table may hold: the soft limit of RLIMIT_NOFILE.
std::uint64_t file_limit();

/// How many of `limit` are kept for everything else that is opened: files that are sent, logs,
/// listening sockets.
std::uint64_t spare_files(std::uint64_t limit);

/// How many connections there may be in a process whose tables hold `limit` files, and that has
/// `rings` reactors whose back ends can put sockets aside (Backend::adopt()).
std::uint64_t most_connections(std::uint64_t limit, std::uint64_t rings);

}  // namespace peal::io
