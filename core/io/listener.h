// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/fd.h"

namespace peal::io {

/// Of connections that wait to be accepted, as listen(2) is asked for it: the kernel takes
/// net.core.somaxconn where that is less. SOMAXCONN would be less than what it may be set to.
inline constexpr int kLongestQueue = 65'535;

/// Listening sockets of one address, one for each reactor; the kernel spreads connections over
/// them (SO_REUSEPORT, socket(7)).
struct ListenerGroup {
  std::vector<Fd> sockets;
  std::uint16_t port = 0;  ///< the real one where 0 was asked for
};

/// Opens `count` sockets on an IPv4 or IPv6 address. An address that anybody listens on already,
/// another process of the same kind included, is refused with EADDRINUSE. `beside_ours`: sockets of
/// this process, made here, may hold the port, as those of one address hold it when all are to be
/// listened on. TCP_NODELAY is set and inherited by what is accepted.
Result<ListenerGroup> open_listeners(const std::string& host, std::uint16_t port, unsigned count,
                                     bool beside_ours = false);

/// Whether a connection of a listening TCP socket is to be accepted only when something has come on
/// it (tcp(7), TCP_DEFER_ACCEPT), which spares a turn. One that is silent is accepted after about a
/// second. No effect on others.
void defer_accepts(int listener_fd, bool on);

/// "127.0.0.1:8080", "[::1]:8080"
std::string address_text(const std::string& host, std::uint16_t port);

}  // namespace peal::io
