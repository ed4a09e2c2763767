// SPDX-License-Identifier: Apache-2.0
// What peald says in the sub-protocol peal.v1 (docs/PROTOCOL.md) besides messages, without a
// connection. Each function replaces the text in `out`, whose memory is used again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/hub/message_id.h"

namespace peal::server {

using PealRef = std::optional<std::uint32_t>;

/// {"subscribed":"T","next":"ID"}; `next` is nullopt for a pattern.
void write_subscribed(std::string& out, std::string_view topic, std::optional<hub::MessageId> next,
                      PealRef ref);
/// {"gap":true,"topic":"T","next":"ID"}
void write_gap(std::string& out, std::string_view topic, std::optional<hub::MessageId> next);
/// {"unsubscribed":"T"}
void write_unsubscribed(std::string& out, std::string_view topic, PealRef ref);
/// {"published":"T","id":"ID","subscribers":N}
void write_published(std::string& out, std::string_view topic, hub::MessageId id,
                     std::uint32_t subscribers, PealRef ref);
/// {"error":"CODE","message":"what was wrong"}
void write_error(std::string& out, std::string_view code, std::string_view message, PealRef ref);

}  // namespace peal::server
