// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/rate.h"
#include "core/conn/address_counts.h"
#include "core/io/peer.h"

namespace peal::conn {

/// Who may come in, and how fast, in the whole process. Besides the mesh the one thing that
/// reactors share; it changes with connections, not with messages.
///
/// Owner: the Server. Thread: any.
struct Admission {
  /// What becomes of a connection that was accepted.
  enum class Verdict : std::uint8_t {
    welcome,
    crowded,  ///< its client has had its share: to be told so when its request has come
    refused,  ///< not counted: to be closed at once
  };

  /// `share`: connections of one IpNetwork; 0: no limit, and nothing is counted. `peer_of` is
  /// another one in tests only.
  explicit Admission(std::uint64_t most, std::uint64_t share = 0, Rate accept_rate = {},
                     io::Peer (*peer_of)(int) = io::peer_of)
      : limit(most), per_client(share), accepts(accept_rate), peer(peer_of) {}

  /// A connection has come. `dear`: to tell its client anything costs more than a connection that
  /// is refused is worth, as with TLS. A client that goes on beyond twice its share is not told
  /// either, so that it cannot fill the places of others with refusals.
  /// `counted`: whether it is among those of its client from now on.
  Verdict enter(io::IpNetwork client, bool dear, bool& counted);
  /// A connection that was not refused is gone.
  void leave(io::IpNetwork client, bool counted);

  /// The same of a connection that is here already, and turns out to be this client's.
  Verdict count(io::IpNetwork client, bool dear, bool& counted);
  /// The same without refusing it; true: its client has more than its share.
  bool count_on(io::IpNetwork client, bool& counted);
  /// A connection that is counted is its client's no longer.
  void uncount(io::IpNetwork client) { clients.remove(client); }

  /// Whether a client has more connections than its share. Asked again when a request has come: by
  /// then, others may have ended.
  bool crowded(io::IpNetwork client) {
    const std::uint64_t most = per_client.load(std::memory_order_relaxed);
    return most > 0 && client.known() && clients.count(client) > most;
  }
  /// The same of all connections.
  bool over_limit() const {
    return open.load(std::memory_order_relaxed) > limit.load(std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> limit;  ///< may be set to another one
  /// The same. Those who came while it was 0 are not counted.
  std::atomic<std::uint64_t> per_client;
  AddressCounts clients;  ///< empty without a limit
  SharedRate accepts;     ///< limits.accept_rate
  io::Peer (*const peer)(int fd);
};

}  // namespace peal::conn
