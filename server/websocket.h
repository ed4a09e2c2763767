// SPDX-License-Identifier: Apache-2.0
// What routes that are WebSockets have in common.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ws/handshake.h"
#include "server/answers.h"
#include "server/origin.h"

namespace peal::server {

/// The sub-protocols of a route, in order of preference: peal.v1 first where there are topics.
std::vector<std::string> subprotocols_of(const config::Route& route);

/// Whether a request is for a WebSocket that speaks peal.v1, on a route with topics.
bool asks_for_peal_v1(const http::Request& request);

/// The WebSocket that a request of that page asks for. nullopt: it asks for none, the page may not
/// have it, or the server drains; answered.
std::optional<ws::UpgradeRequest> read_upgrade(const Answers& answers, conn::Connection& connection,
                                               const http::Request& request, Page page);

/// Answers with 101, held back until ConnectionTable::topics_ready(), what read_upgrade()
/// has found. Returns the sub-protocol of `ours` that was agreed on, empty where
/// there is none; nullopt: refused, and answered.
std::optional<std::string_view> accept_websocket(conn::ConnectionTable& table,
                                                 const Answers& answers,
                                                 conn::Connection& connection,
                                                 const http::Request& request, const Route& route,
                                                 const ws::UpgradeRequest& upgrade,
                                                 std::span<const std::string> ours);

}  // namespace peal::server
