// SPDX-License-Identifier: Apache-2.0
// The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1): both sides, without a
// socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string_view>

#include "core/base/short_text.h"
#include "core/http/request.h"
#include "core/ws/handshake.h"

namespace peal::ws {

constexpr std::uint8_t kMinWindowBits = 8;
constexpr std::uint8_t kMaxWindowBits = 15;

/// What a route lays down for compression.
struct DeflatePolicy {
  bool enabled = true;
  bool context_takeover = false;  ///< allow it where the client does; costs memory per connection
};

/// What both sides have agreed on; plain data.
struct DeflateAgreement {
  bool on = false;
  bool server_takeover = false;  ///< what we send may refer to messages we sent before
  bool client_takeover = false;  ///< the same of what the client sends
  std::uint8_t server_window_bits = kMaxWindowBits;
  std::uint8_t client_window_bits = kMaxWindowBits;

  /// The longest message (bytes) of which the client takes a compressed form that was made for
  /// everybody, with a window of 2^15 and no context; 0 when of none. A shorter message never
  /// refers back beyond its own beginning, so a smaller window does for it.
  std::uint64_t longest_shared() const {
    if (!on || server_takeover) return 0;
    if (server_window_bits == kMaxWindowBits) return std::numeric_limits<std::uint64_t>::max();
    return std::uint64_t{1} << server_window_bits;
  }
  /// Whether the client takes that form of any message.
  bool shares_all() const { return on && !server_takeover && server_window_bits == kMaxWindowBits; }

  friend bool operator==(const DeflateAgreement&, const DeflateAgreement&) = default;
};

/// The value of a Sec-WebSocket-Extensions field, ours or an offer.
using ExtensionText = ShortText<160>;

struct DeflateAnswer {
  DeflateAgreement agreement;
  ExtensionText text;  ///< for the 101 answer; empty when nothing is agreed
};

/// Answers the first offer of permessage-deflate that can be met: one with an unknown, repeated or
/// invalid parameter is declined and the next one looked at (RFC 7692 section 5), and so are other
/// extensions. Refused (400): a field that is not a list of extensions, RFC 6455 section 9.1.
std::expected<DeflateAnswer, Rejection> answer_deflate_offers(const http::Request& request,
                                                              const DeflatePolicy& policy);

// The client's side, for tests and the load tester.

struct DeflateOffer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 0;  ///< 8 to 15; 0: not asked for
  std::uint8_t client_max_window_bits = 0;  ///< 8 to 15; 0: not allowed
};

ExtensionText write_deflate_offer(const DeflateOffer& offer);

/// What an answer to `offer` makes of it; `answer` is empty when the server named no extension.
/// nullopt: the client has to fail the connection.
std::optional<DeflateAgreement> check_deflate_answer(std::string_view answer,
                                                     const DeflateOffer& offer);

}  // namespace peal::ws
