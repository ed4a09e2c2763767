// SPDX-License-Identifier: Apache-2.0
// From the secrets of a handshake to the keys of its records.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/base/bytes.h"
#include "core/tls/traffic_key.h"

namespace peal::tls {

/// A traffic secret of TLS 1.3 (48 octets with SHA-384, 32 with SHA-256), or the master secret of
/// TLS 1.2. Wiped at its end.
struct Secret {
  std::array<std::byte, 48> octets{};

  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();
};

/// TLS 1.3: the key of a traffic secret (RFC 8446 section 7.3).
TrafficKey derive_key(const Secret& secret, Aead aead);

/// TLS 1.3: the secret after a KeyUpdate (RFC 8446 section 7.2).
Secret next_secret(const Secret& secret, Aead aead);

/// One direction of a connection.
struct Traffic {
  TrafficKey key;
  Secret secret;  ///< TLS 1.3: what the next key comes from
};

struct KeyPair {
  TrafficKey client;  ///< of what the client sends
  TrafficKey server;
};

using Random = std::span<const std::byte, 32>;

/// TLS 1.2: the key block (RFC 5246 section 6.3).
KeyPair derive_keys(const Secret& master, Random client, Random server, Aead aead);

}  // namespace peal::tls
