// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/base/ip_address.h"
#include "core/io/ip_network.h"

namespace peal::io {

/// Who is at the other end of a socket. A value.
struct Peer {
  /// `gone`: the connection was over already, whoever that was.
  enum class Kind : std::uint8_t { unknown, gone, ip, unix_socket };

  Kind kind = Kind::unknown;
  IpAddress address;  ///< of `ip`

  /// What it counts as.
  IpNetwork network() const;
};

/// Of a socket that was connected (getpeername(2)).
Peer peer_of(int fd);

/// Peers that are believed what they say of others. Owner: whoever lays it down; immutable.
struct TrustedPeers {
  std::vector<IpPrefix> networks;
  bool unix_sockets = false;

  bool contains(const IpAddress& address) const;
  bool contains(const Peer& peer) const;
};

}  // namespace peal::io
