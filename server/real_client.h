// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/http/forwarded.h"
#include "core/io/peer.h"

namespace peal::server {

/// Whom a request is from, as far as those say that are believed.
struct RealClient {
  std::optional<IpAddress> address;  ///< nullopt: nobody is named
  std::string_view scheme;           ///< "http" or "https" in any case, or empty: unsaid
};

/// The nearest address that is none of `trusted`: whatever is in front of it anybody may have
/// written. Where all are trusted the farthest, and where the one that counts is hidden the one
/// before it. `hops`: the nearest last.
RealClient real_client(std::span<const http::ForwardedHop> hops, const io::TrustedPeers& trusted);

}  // namespace peal::server
