// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loadtest/url.h"

namespace peal::loadtest {

/// A socket address of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  bool is_loopback() const;
};

/// How a connection speaks once it is open.
enum class Transport : std::uint8_t { websocket, sse, publish };

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

/// What a group of connections connects to, and how. Immutable while they live.
struct Endpoint {
  Url url;
  SocketAddress address;
  Transport transport = Transport::websocket;
  std::string host;       ///< the value of Host
  HeaderFields headers;   ///< further fields of its requests
  bool compress = false;  ///< offer permessage-deflate
};

/// The address that `url` names (getaddrinfo(3), which may take its time); of several the one that
/// answers(). Error: for people.
std::expected<SocketAddress, std::string> resolve(const Url& url);

/// The first of these where somebody takes a connection within a second each; the first one where
/// nobody does. Requires: one at least.
SocketAddress answers(std::span<const SocketAddress> addresses);

/// Takes Host out of `headers`, as a request has one; empty when it is not there.
std::optional<std::string> take_host(HeaderFields& headers);

/// The request that opens an event stream.
std::string stream_request(const Endpoint& endpoint);

/// The head of a request that publishes, up to the value of Content-Length, which comes last.
std::string publish_request(const Endpoint& endpoint);

}  // namespace peal::loadtest
