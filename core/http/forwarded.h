// SPDX-License-Identifier: Apache-2.0
// What proxies say of the client in fields of a request: X-Forwarded-For with X-Forwarded-Proto, or
// Forwarded (RFC 7239).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/ip_address.h"
#include "core/http/request.h"

namespace peal::http {

enum class ForwardedField : std::uint8_t { x_forwarded_for, forwarded };

/// One proxy's word: whom it has the request from. The views lie in the request.
struct ForwardedHop {
  std::optional<IpAddress> client;  ///< nullopt: hidden, unknown or no address
  std::string_view scheme;          ///< "http", "https" in any case, or empty: unsaid
};

/// Reads all fields of that kind into `hops`, replacing what it held: the nearest proxy's word
/// last. An element of Forwarded that breaks RFC 7239 section 4 counts as one without an address.
/// Limits: kMaxForwardedHops, the nearest ones.
void read_forwarded(const Request& request, ForwardedField field, std::vector<ForwardedHop>& hops);

inline constexpr std::size_t kMaxForwardedHops = 64;

}  // namespace peal::http
