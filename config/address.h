// SPDX-License-Identifier: Apache-2.0
// Addresses, host names and origins as a configuration writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace peal::config {

/// One of `host`, `path` and `activation` is not empty, as in Listen.
struct Address {
  std::string host = {};  ///< an IPv4 or IPv6 address in its usual spelling, without brackets
  std::uint16_t port = 0;
  std::string path = {};
  std::string activation = {};
};

/// Reads "IP:PORT", "[IPv6]:PORT", "unix:PATH" or "systemd:NAME"; names of hosts are not looked up.
/// Nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);

/// The forms, for messages.
inline constexpr std::string_view kAddressForms =
    R"("IP:PORT", "[IPv6]:PORT", "unix:PATH" or "systemd:NAME")";

/// The other way.
std::string format_address(std::string_view host, std::uint16_t port);
std::string address_text(const Listen& listen);

/// Whether one of the two has the port of the other on all addresses: nobody can listen on both.
bool overlap(const Listen& a, const Listen& b);

/// Whether `text` is a host name, an IP address (IPv6 in brackets) or "*.name". Lower case only.
bool is_host_pattern(std::string_view text);

/// Whether `text` is "*" or scheme "://" host-pattern [":" port]. Lower case only.
bool is_origin_pattern(std::string_view text);

}  // namespace peal::config
