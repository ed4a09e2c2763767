// SPDX-License-Identifier: Apache-2.0
// The opening handshake (RFC 6455 section 4): both sides, without a socket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/http/request.h"

namespace peal::ws {

/// A request that may become a WebSocket. Views into the request.
struct UpgradeRequest {
  std::string_view key;  ///< Sec-WebSocket-Key: 24 characters of base64
};

/// The answer to a request that may not. All of it is static.
struct Rejection {
  int status = 0;
  std::string_view reason;                  ///< short plain English for the body
  std::span<const http::Header> headers{};  ///< fields that the status calls for
};

/// True when the request asks for a WebSocket at all, rightly or not; a route that also answers
/// plain requests looks at this first.
bool wants_upgrade(const http::Request& request);

/// Section 4.2.1, but for Origin, which is the server's policy.
std::expected<UpgradeRequest, Rejection> check_upgrade(const http::Request& request);

/// The first of `ours`, which are in order of preference, that the client offers; empty when there
/// is none in common, and then the answer names none. Refused (400): offers that are not tokens,
/// that repeat, or more than 64 of them.
std::expected<std::string_view, Rejection> choose_subprotocol(const http::Request& request,
                                                              std::span<const std::string> ours);

using Key = std::array<char, 24>;
using AcceptKey = std::array<char, 28>;

/// The Sec-WebSocket-Accept that answers `key`. Any thread; allocates nothing.
AcceptKey accept_key(std::string_view key);

/// Writes the whole 101 answer. `subprotocol` and `extensions`, the value of
/// Sec-WebSocket-Extensions, may be empty. Returns the octets written, 0 when `out` is too small;
/// 256 and the lengths of both always suffice.
std::size_t write_accept(MutableBytes out, const UpgradeRequest& request,
                         std::string_view subprotocol, std::string_view extensions = {});

// The client's side, for tests and the load tester.

/// A Sec-WebSocket-Key of 16 random octets.
Key make_key(std::span<const std::byte, 16> random);

struct ClientRequest {
  std::string_view host;    ///< host [":" port]
  std::string_view target;  ///< "/chat/lobby?last=5"
  std::string_view key;
  std::string_view subprotocols{};          ///< a comma list; may be empty
  std::span<const http::Header> headers{};  ///< further fields, such as Origin
};

/// Returns the octets written, 0 when `out` is too small or a field would break the head.
std::size_t write_client_request(MutableBytes out, const ClientRequest& request);

/// What a client makes of the server's answer so far. Views into the answer.
struct ServerAnswer {
  enum class Kind : std::uint8_t { need_more, accepted, refused };
  Kind kind = Kind::need_more;
  int status = 0;                  ///< 0 when the answer is not HTTP/1.1
  std::size_t head_size = 0;       ///< octets; frames may follow
  std::string_view subprotocol{};  ///< when accepted; empty when the server named none
  std::string_view extensions{};   ///< the same
  const char* flaw = nullptr;      ///< of a 101 that is refused
};

/// Section 4.1: status 101, Upgrade, Connection, and the Sec-WebSocket-Accept of `key`.
ServerAnswer check_server_answer(std::string_view input, std::string_view key);

}  // namespace peal::ws
