// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "core/conn/connection_table.h"

namespace peal::server {

/// What came of a request for a WebSocket or an event stream.
enum class HandshakeResult : std::uint8_t {
  accepted,
  refused,       ///< no right one, or for what there is not
  unauthorized,  ///< 401
  forbidden,     ///< 403
  unavailable,   ///< 503
};
inline constexpr std::array<std::string_view, 5> kHandshakeResults{
    "accepted", "refused", "unauthorized", "forbidden", "unavailable"};
HandshakeResult handshake_result(int status);

/// By conn::Ending.
inline constexpr std::array<std::string_view, conn::kEndings> kEndingLabels{
    "none",         "client",       "lost",           "server",       "answered",
    "idle",         "bad_request",  "proxy_protocol", "tls",          "handshake_timeout",
    "send_timeout", "pong_timeout", "protocol_error", "message_size", "message_fragments",
    "message_rate", "slow_client",  "descriptors"};

/// By config::Transport.
inline constexpr std::array<std::string_view, 3> kTransportLabels{"websocket", "sse", "poll"};

/// The statuses that peal answers with; what is not here counts as the last one.
inline constexpr std::array kStatuses{200, 101, 204, 206, 301, 304, 400, 401, 403, 404,
                                      405, 406, 408, 411, 412, 413, 414, 415, 416, 417,
                                      421, 426, 429, 431, 501, 503, 505, 500};
std::size_t status_index(int status);

/// Close codes as labels (RFC 6455 section 7.4). A client may choose its own from 3000 on: all of a
/// thousand have one label.
inline constexpr std::array<std::string_view, 17> kCloseLabels{
    "1000", "1001", "1002", "1003", "1005", "1006", "1007", "1008", "1009",
    "1010", "1011", "1012", "1013", "1014", "3xxx", "4xxx", "other"};
/// `code`: 0 stands for an end without a close frame, 1006.
std::size_t close_index(std::uint16_t code);

/// How a client came in, of conn::Traffic::transport.
std::string_view transport_label(const conn::Traffic& traffic);

/// What a shard has counted of one route.
struct RouteCounters {
  std::array<std::uint64_t, kTransportLabels.size()> connections{};  ///< that are there now
  std::array<std::uint64_t, kHandshakeResults.size()> handshakes{};
  std::array<std::uint64_t, kStatuses.size()> answers{};
  std::uint64_t opened = 0;  ///< clients that have come to listen
  std::uint64_t messages_received = 0;
  std::uint64_t messages_echoed = 0;
  std::uint64_t slow_closed = 0;  ///< clients closed as their queue was full

  RouteCounters& operator+=(const RouteCounters& more);
};

/// Counts what a shard's clients do, by route, and what has passed over each connection where that
/// is kept (ConnectionTable::traffic()). Plain integers: whoever wants to know asks the shard.
///
/// Owner: a Dispatcher. Thread: the shard's. Limits: routes are as many as Labels has.
class Accounts {
 public:
  /// The shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table) { table_ = &table; }

  /// A request has come; which route it is for is said next, if any is.
  void begin_request(const conn::Connection& connection);
  void at_route(const conn::Connection& connection, std::uint32_t route);

  /// The request at hand is answered.
  void answered(const conn::Connection& connection, int status) {
    answered(connection, route_, status);
  }
  /// The same of an earlier request of the connection.
  void answered(const conn::Connection& connection, std::uint32_t route, int status);
  /// Status of the answer to the request at hand; 0 when there is none yet.
  int status() const { return status_; }
  void count_handshake(HandshakeResult result);

  /// A client came to listen, or has gone.
  void opened(const conn::Connection& connection, std::uint32_t route, config::Transport by);
  void closed(std::uint32_t route, config::Transport by) { --of(route, by); }
  void count_close(std::uint16_t code) { ++closes_[close_index(code)]; }

  /// Requires: the connection has a policy, or has asked for that route before.
  void count_received(const conn::Connection& connection, std::uint32_t route,
                      std::uint32_t messages = 1);
  void count_echoed(conn::Connection& connection, std::uint32_t messages);
  void count_slow(const conn::Connection& connection) {
    ++routes_[connection.policy->outbox.number].slow_closed;
  }

  const std::vector<RouteCounters>& routes() const { return routes_; }
  const std::array<std::uint64_t, kCloseLabels.size()>& closes() const { return closes_; }

 private:
  std::uint64_t& of(std::uint32_t route, config::Transport by) {
    return routes_[route].connections[static_cast<std::size_t>(by)];
  }

  conn::ConnectionTable* table_ = nullptr;
  std::vector<RouteCounters> routes_ = std::vector<RouteCounters>(1);  // by Labels::routes
  std::array<std::uint64_t, kCloseLabels.size()> closes_{};
  std::uint32_t route_ = 0;  // of the request at hand
  int status_ = 0;           // of its answer
};

}  // namespace peal::server
