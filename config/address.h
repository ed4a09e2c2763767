// SPDX-License-Identifier: Apache-2.0
// Addresses, host names and origins as a configuration writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peal::config {

struct Address {
  std::string host;  ///< an IPv4 or IPv6 address in its usual spelling, without brackets
  std::uint16_t port = 0;
};

/// Reads "IP:PORT" or "[IPv6]:PORT"; names are not looked up. Nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);

/// The other way.
std::string format_address(std::string_view host, std::uint16_t port);

/// Whether `text` is a host name, an IP address (IPv6 in brackets) or "*.name". Lower case only.
bool is_host_pattern(std::string_view text);

/// Whether `text` is "*" or scheme "://" host-pattern [":" port]. Lower case only.
bool is_origin_pattern(std::string_view text);

}  // namespace peal::config
