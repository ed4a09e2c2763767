// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace peal::loadtest {

/// Where to connect, and what to ask for there. A value.
struct Url {
  bool secure = false;     ///< wss, https
  bool websocket = false;  ///< ws, wss
  std::string host;        ///< a name or an address, IPv6 without brackets
  std::uint16_t port = 0;
  std::string target;  ///< path and query, as in a request line

  /// The host is an address and not a name.
  bool has_address() const;
  /// The value of the Host field: without the port where it is the scheme's own.
  std::string authority() const;
};

/// "ws://host:8080/path?query", or with wss, http or https. Error: what is wrong with it, for
/// people.
std::expected<Url, std::string> parse_url(std::string_view text);

}  // namespace peal::loadtest
