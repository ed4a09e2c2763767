// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/http/forwarded.h"
#include "core/http/proxy_protocol.h"
#include "core/io/peer.h"
#include "core/tls/context.h"

namespace peal::conn {

/// What a listener lays down for its connections. Owner: the server; outlives them.
struct ListenerPolicy {
  const tls::Context* certificates = nullptr;  ///< null: plain connections
  /// A PROXY header comes before anything else from `proxies`; others are clients of their own.
  std::optional<http::ProxyVersions> proxy = std::nullopt;
  io::TrustedPeers proxies = {};
  /// Requests of `forwarders` say whose they are; from others the field means nothing.
  std::optional<http::ForwardedField> forwarded = std::nullopt;
  io::TrustedPeers forwarders = {};
  bool defers = true;  ///< see io::defer_accepts()

  bool introduces(const io::Peer& peer) const { return proxy && proxies.contains(peer); }
  bool forwards(const io::Peer& peer) const { return forwarded && forwarders.contains(peer); }
};

}  // namespace peal::conn
