// SPDX-License-Identifier: Apache-2.0
// Headers of the PROXY protocol for its tests, made as a balancer makes them, and reading one in
// pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/http/proxy_protocol.h"

namespace peal::http::test {

/// One field of version 2.
inline std::string proxy_field(std::uint8_t type, std::string_view value) {
  std::string field(1, static_cast<char>(type));
  field += static_cast<char>(value.size() >> 8);
  field += static_cast<char>(value.size());
  return field.append(value);
}

/// `command`: with the version. `family`: address family and transport. `block`: what follows.
inline std::string proxy_v2(std::uint8_t command, std::uint8_t family, std::string_view block) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(block.size() >> 8);
  header += static_cast<char>(block.size());
  return header.append(block);
}

/// 203.0.113.7:4660 to 10.0.0.1:443
inline const std::string kProxyV4("\xcb\x00\x71\x07\x0a\x00\x00\x01\x12\x34\x01\xbb", 12);
/// The same of [2001:db8::1] and [::2].
inline const std::string kProxyV6(
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x34\x01\xbb",
    36);

struct ReadHeader {
  ProxyOutcome outcome = ProxyOutcome::need_more;
  ProxyHeader header;

  friend bool operator==(const ReadHeader& a, const ReadHeader& b) {
    if (a.outcome != b.outcome) return false;
    return a.outcome != ProxyOutcome::header ||
           (a.header.size == b.header.size && a.header.source == b.header.source &&
            a.header.client == b.header.client && a.header.tls == b.header.tls);
  }
};

inline ReadHeader read_header(std::string_view input, ProxyVersions versions = ProxyVersions::any) {
  ReadHeader read;
  read.outcome = read_proxy_header(as_bytes(input), versions, read.header);
  return read;
}

/// The same when it comes in pieces of `size_of_next()` octets.
template <class SizeOfNext>
ReadHeader read_header_in_pieces(std::string_view input, ProxyVersions versions,
                                 SizeOfNext&& size_of_next) {
  std::size_t come = 0;
  while (true) {
    come = std::min<std::size_t>(input.size(), come + size_of_next());
    const ReadHeader read = read_header(input.substr(0, come), versions);
    if (read.outcome != ProxyOutcome::need_more || come == input.size()) return read;
  }
}

}  // namespace peal::http::test
