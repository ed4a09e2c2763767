// SPDX-License-Identifier: Apache-2.0
#include "server/transport.h"

#include <string_view>

#include "core/http/accept.h"
#include "core/ws/handshake.h"

namespace peal::server {
namespace {

using config::Transport;

/// "this route has WebSockets and long polls (Accept: application/json)".
std::string describe_transports(const config::Route& route) {
  std::string text;
  const auto add = [&](Transport transport, std::string_view name) {
    if (!config::offers(route, transport)) return;
    text.append(text.empty() ? "this route has " : " and ").append(name);
  };
  add(Transport::websocket, "WebSockets");
  add(Transport::sse, "event streams (Accept: text/event-stream)");
  add(Transport::poll, "long polls (Accept: application/json)");
  return text;
}

}  // namespace

std::expected<Transport, TopicRefusal> choose_transport(const http::Request& request,
                                                        const config::Route& route) {
  const bool has_streams = config::offers(route, Transport::sse);
  const bool has_polls = config::offers(route, Transport::poll);
  if (!has_streams && !has_polls) return Transport::websocket;
  if (ws::wants_upgrade(request)) {
    if (config::offers(route, Transport::websocket)) return Transport::websocket;
    return std::unexpected(TopicRefusal{400, describe_transports(route)});
  }
  const http::Acceptance stream = http::acceptance(request, "text/event-stream");
  const http::Acceptance json = http::acceptance(request, "application/json");
  const bool streams = has_streams && stream.quality > 0;
  const bool polls = has_polls && json.quality > 0;
  const bool prefers_json = json.by_name && json.quality > stream.quality;
  if (streams && (!polls || (stream.by_name && !prefers_json))) return Transport::sse;
  if (polls) return Transport::poll;
  return std::unexpected(TopicRefusal{406, describe_transports(route)});
}

}  // namespace peal::server
