// SPDX-License-Identifier: Apache-2.0
// The header of the PROXY protocol (HAProxy's proxy-protocol.txt, versions 1 and 2), by which a
// balancer tells whose connection it passes on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/ip_address.h"

namespace peal::http {

enum class ProxyVersions : std::uint8_t { v1, v2, any };

/// Octets of a header of version 2; a longer one is refused. The specification asks for 536 to be
/// sent at most, certificates of clients may make it more.
inline constexpr std::size_t kMaxProxyHeader = 4 << 10;

/// What a header says. A value.
struct ProxyHeader {
  enum class Source : std::uint8_t {
    own,          ///< LOCAL, UNKNOWN, UNSPEC: the connection is its sender's own
    ip,           ///< `client`
    unix_socket,  ///< the client came by one
  };

  std::size_t size = 0;  ///< octets, to be taken off the input
  Source source = Source::own;
  IpAddress client;
  bool tls = false;  ///< the client came by TLS (PP2_TYPE_SSL); false: by something else, or unsaid
};

enum class ProxyOutcome : std::uint8_t { need_more, header, failure };

/// Reads the header at the front of `input`, which is all that has come so far: without state, to
/// be called again with more. What it comes to does not depend on how that is cut. Addresses of the
/// server, ports and fields (TLVs) but for the one above are checked as to form, and ignored.
ProxyOutcome read_proxy_header(Bytes input, ProxyVersions versions, ProxyHeader& header);

}  // namespace peal::http
