// SPDX-License-Identifier: Apache-2.0
// From OpenSSL, which shakes hands, to the record layer, which does the rest.
#pragma once

#include <cstdint>
#include <optional>

#include "core/tls/key_schedule.h"
#include "core/tls/openssl.h"
#include "core/tls/version.h"

namespace peal::tls {

/// What is overheard of a handshake. Owner: an engine, until the handshake is over.
struct Handover {
  Secret client;                   ///< TLS 1.3: CLIENT_TRAFFIC_SECRET_0
  Secret server;                   ///< TLS 1.3: SERVER_TRAFFIC_SECRET_0
  std::uint64_t records_sent = 0;  ///< TLS 1.3: with the server's key, which tickets are
  bool has_client = false;
  bool has_server = false;
};

struct Channel {
  Version version;
  Traffic client;  ///< what the client sends
  Traffic server;
};

/// Lets handshakes of `context` be overheard, where overhear() says so.
void allow_overhearing(ssl_ctx_st* context);

/// `handover` outlives the handshake of `ssl`.
void overhear(ssl_st* ssl, Handover& handover);

/// The state of the records right after the handshake of `ssl`, none when OpenSSL holds input back
/// or kept its secrets to itself. Requires: the handshake is over and no record was read since.
std::optional<Channel> take_over(ssl_st* ssl, const Handover& handover);

}  // namespace peal::tls
