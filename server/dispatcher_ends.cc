// SPDX-License-Identifier: Apache-2.0
// Connections that end, or may not come, and requests that are refused before they are whole.
#include "core/http/accept.h"
#include "server/dispatcher.h"
#include "server/kept_request.h"
#include "server/log.h"

namespace peal::server {
namespace {

constexpr std::string_view kNoRoom = "too many connections";
constexpr std::string_view kNoRoomForClient = "too many connections from your address";

std::string_view transport_of(const conn::Connection& connection) {
  return connection.state.streams ? "SSE" : "WebSocket";
}

}  // namespace

/// Why there are too many connections, in all or of this client; empty: there are not.
std::string_view Dispatcher::crowd_at(conn::Connection& connection) {
  if (table_->over_limit(connection)) return kNoRoom;
  return table_->crowded(connection) ? kNoRoomForClient : std::string_view();
}

/// Who has to see that a server is full is not refused for it: a supervisor would take it for dead,
/// and nobody would be told why.
bool Dispatcher::is_for_operators(const RouteMatch& match) const {
  if (match.outcome != RouteMatch::Outcome::found) return false;
  const config::RouteType type = site_->route(match.route).config->type;
  return type == config::RouteType::health || type == config::RouteType::metrics;
}

/// 503, or what EventSource takes for that.
void Dispatcher::turn_away(conn::Connection& connection, const http::Request& request,
                           const RouteMatch& match, std::string_view why) {
  if (why == kNoRoomForClient)
    tell_crowded(connection.state.client);
  else if (first(Notice::connections))
    log::warn("connections: as many as there may be; {} is refused",
              connection.state.client.text());
  if (match.outcome == RouteMatch::Outcome::found &&
      http::acceptance(request, "text/event-stream").by_name) {
    const Route& route = site_->route(match.route);
    accounts_.at_route(connection, route.outbox.number);
    if (route.config->type == config::RouteType::pubsub &&
        pubsub_.put_off(connection, request, route))
      return;
  }
  answers_.unavailable(connection, request, why);
}

void Dispatcher::on_refused(io::IpNetwork client) {
  tell_crowded(client);
}

void Dispatcher::tell_crowded(io::IpNetwork client) {
  if (first(Notice::connections_per_ip))
    log::warn("connections_per_ip: {} has as many connections as it may; another one is refused",
              client.text());
}

/// Only publishers have a body that is read; a head has no route yet.
std::span<const http::Header> Dispatcher::on_request_refused(conn::Connection& connection,
                                                             int status) {
  if (connection.state.phase != conn::Phase::receiving) {
    accounts_.answered(connection, 0, status);
    return {};
  }
  const Publication& publication = publication_of(connection);
  accounts_.answered(connection, publication.route->outbox.number, status);
  refused_page_ = {publication.page, publication.origin};
  return refused_page_.fields();
}

/// Nothing of what a client has sent gets into the log: `reason` is one of our own, or OpenSSL's.
void Dispatcher::on_ending(conn::Connection& connection, std::string_view reason) {
  pubsub_.on_ending(connection);
  if (connection.policy && connection.state.ending == conn::Ending::slow_client)
    accounts_.count_slow(connection);
  const auto notice = notice_of(connection.state.ending);
  if (!notice || !first(*notice)) return;
  const std::string client = connection.state.client.text();
  const bool streams = connection.state.streams;
  const std::string why = reason.empty() ? std::string() : " (" + std::string(reason) + ')';
  if (connection.policy)
    log::warn("{}: {} on route {} ({}) {}{}", name(*notice), client,
              route_of(connection).config->name, transport_of(connection), deed(*notice, streams),
              why);
  else
    log::warn("{}: {} {}{}", name(*notice), client, deed(*notice, streams), why);
}

void Dispatcher::on_close(conn::Connection& connection) {
  pubsub_.on_close(connection);
  hub_->leave(connection.topics);
  if (connection.dropped() > 0 && connection.state.ending != conn::Ending::slow_client &&
      first(Notice::slow_client))
    log::warn("slow_client: {} on route {} ({}) has missed {} messages, being slow",
              connection.state.client.text(), route_of(connection).config->name,
              transport_of(connection), connection.dropped());
  note_close(connection);
  if (!connection.policy) return;
  if (connection.state.streams)
    log::debug("route {}: SSE {} closed", route_of(connection).config->name, connection.id().index);
  else
    log::debug("route {}: WebSocket {} closed, code {}, by {}", route_of(connection).config->name,
               connection.id().index,
               connection.state.close_code == 0 ? 1006 : connection.state.close_code,
               connection.state.closed_by_peer ? "the client" : "us");
}

void Dispatcher::note_close(conn::Connection& connection) {
  if (connection.policy) {
    const bool streams = connection.state.streams;
    accounts_.closed(connection.policy->outbox.number,
                     streams ? config::Transport::sse : config::Transport::websocket);
    if (!streams) accounts_.count_close(connection.state.close_code);
  }
  if (!access_log_.is_on()) return;
  if (const conn::Traffic* traffic = table_->traffic(connection))
    access_log_.write(connection, *traffic, table_->now());
}

}  // namespace peal::server
