// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "core/conn/connection_table.h"
#include "core/http/response.h"
#include "server/accounts.h"
#include "server/cors.h"
#include "server/site.h"

namespace peal::server {

/// Bytes; every head of ours and short text fits, but for what a client chooses in it.
inline constexpr std::size_t kResponseRoom = 2048;

/// The short answers that all routes give.
///
/// Owner: a Dispatcher. Thread: the shard's. Errors: none.
class Answers {
 public:
  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, Accounts& accounts) {
    table_ = &table;
    accounts_ = &accounts;
  }

  Accounts& accounts() const { return *accounts_; }
  /// To be called with every answer to the request at hand, or to an earlier one for `route`.
  void note(const conn::Connection& connection, int status) const {
    accounts_->answered(connection, status);
  }
  void note(const conn::Connection& connection, std::uint32_t route, int status) const {
    accounts_->answered(connection, route, status);
  }

  /// From now on load balancers hear that this server will go down; all else goes on.
  void announce_drain() { announced_ = true; }
  bool drain_announced() const { return announced_; }
  /// From now on every answer ends its connection.
  void begin_drain() { announced_ = draining_ = true; }
  bool draining() const { return draining_; }

  /// What says that the page behind the request at hand may see the answers below, whatever they
  /// say. The views in `fields` are valid until end_request().
  void show_to(const CorsFields& fields) { page_ = fields; }
  /// There are too many connections: that of the request at hand ends with its answer.
  void make_room() { makes_room_ = true; }
  /// The request at hand is answered, or has all that its answer takes.
  void end_request() {
    page_ = {};
    makes_room_ = false;
  }

  /// Whether the connection may go on after the answer.
  bool keeps_alive(const http::Request& request) const;

  /// Answers with a line of text.
  void text(conn::Connection& connection, const http::Request& request, int status,
            std::string_view text, std::span<const http::Header> headers = {}) const;

  /// 503: to be tried again elsewhere, or later.
  void unavailable(conn::Connection& connection, const http::Request& request,
                   std::string_view text) const;

  /// The same to those who come to stay when this server is going down.
  void going_down(conn::Connection& connection, const http::Request& request) const {
    unavailable(connection, request, "this server is going down");
  }

 private:
  conn::ConnectionTable* table_ = nullptr;
  Accounts* accounts_ = nullptr;
  CorsFields page_;
  bool makes_room_ = false;
  bool announced_ = false;
  bool draining_ = false;
};

/// The route of a connection that has a policy.
inline const Route& route_of(const conn::Connection& connection) {
  return static_cast<const Route&>(*connection.policy);  // Site makes nothing else
}

/// How its client has come.
inline std::string_view scheme_of(const conn::Connection& connection) {
  return connection.state.https ? "https" : "http";
}

}  // namespace peal::server
