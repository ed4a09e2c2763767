// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/conn/connection_table.h"
#include "core/conn/handler.h"
#include "core/hub/hub.h"
#include "server/access_log.h"
#include "server/answers.h"
#include "server/metrics_route.h"
#include "server/notices.h"
#include "server/publisher.h"
#include "server/pubsub.h"
#include "server/site.h"

namespace peal::server {

/// From requests and messages to what their route does with them.
///
/// Owner: a Shard. Thread: the shard's. Errors: answered to the client.
class Dispatcher final : public conn::ConnectionHandler, public hub::HubClient {
 public:
  /// `listeners`: by listener; outlives the dispatcher.
  Dispatcher(const Site& site, std::span<const conn::ListenerPolicy> listeners,
             const conn::TableLimits& limits, Notices& notices);

  /// Both are the shard's; null: there are no metrics. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub, MetricsService* metrics = nullptr);
  /// Logs connections that come from now on when they end.
  void log_access(const AccessLog& log);

  const Accounts& accounts() const { return accounts_; }
  void on_metrics(const MetricsService::Result& result) { metrics_.on_result(result); }

  /// Other routes for requests from now on; connections stay with what they have.
  void set_site(const Site& site);
  void set_listener_policies(std::span<const conn::ListenerPolicy> listeners) {
    listeners_ = listeners;
  }
  void set_limits(const conn::TableLimits& limits) { path_scratch_.resize(limits.header_size); }

  /// From now on load balancers are told to go elsewhere.
  void announce_drain() { answers_.announce_drain(); }
  /// From now on clients are told so, too: answers end their connections, and who wants to stay is
  /// refused.
  void begin_drain() { answers_.begin_drain(); }
  /// Gives up what is under way without a connection, at the end.
  void clear() { publisher_.clear(); }

  const conn::ListenerPolicy& listener_policy(std::uint32_t listener) const override {
    return listeners_[listener];
  }
  void on_request(conn::Connection& connection, const http::Request& request) override;
  void on_body(conn::Connection& connection, MutableBytes body, Block* block) override;
  std::span<const http::Header> on_request_refused(conn::Connection& connection,
                                                   int status) override;
  void on_answer_due(conn::Connection& connection) override;
  void on_topics_due(conn::Connection& connection) override;
  std::unique_ptr<conn::Exchange> make_exchange() override;
  bool on_turn_end() override { return publisher_.work(); }
  void on_message(conn::Connection& connection, const ws::Event& message) override;
  void on_echo(conn::Connection& connection, std::uint32_t messages) override;
  void on_refused(io::IpNetwork client) override;
  void on_ending(conn::Connection& connection, std::string_view reason) override;
  void on_room(conn::Connection& connection) override;
  void on_close(conn::Connection& connection) override;
  void on_topic_ready(hub::TopicUse& use) override;
  void on_gap(hub::TopicUse& use) override;
  void on_event(hub::TopicUse& use) override;
  void on_posted(hub::Ticket ticket, hub::MessageId id, std::uint32_t subscribers) override;

 private:
  using Captures = PubSub::Captures;

  void dispatch(conn::Connection& connection, const http::Request& request);
  RouteMatch find_route(const conn::Connection& connection, const http::Request& request);
  void take_route(conn::Connection& connection, const http::Request& request,
                  const RouteMatch& match);
  void note_request(conn::Connection& connection, const http::Request& request);
  void note_close(conn::Connection& connection);
  void find_client(conn::Connection& connection, const http::Request& request);
  Page find_page(const conn::Connection& connection, const http::Request& request,
                 const config::Route& route);
  std::string_view crowd_at(conn::Connection& connection);
  bool is_for_operators(const RouteMatch& match) const;
  void turn_away(conn::Connection& connection, const http::Request& request,
                 const RouteMatch& match, std::string_view why);
  void answer(conn::Connection& connection, const http::Request& request, const Route& route,
              Captures captures, Page page);
  bool may_enter(conn::Connection& connection, const http::Request& request, const Route& route,
                 TokenView& tokens);
  void answer_echo(conn::Connection& connection, const http::Request& request, const Route& route);
  void answer_files(conn::Connection& connection, const http::Request& request, const Route& route,
                    Captures captures);
  void answer_options(conn::Connection& connection, const http::Request& request);
  void answer_preflight(conn::Connection& connection, const http::Request& request,
                        const Route& route, Page page);
  void answer_health(conn::Connection& connection, const http::Request& request);
  void redirect_to_folder(conn::Connection& connection, const http::Request& request);

  void tell_crowded(io::IpNetwork client);
  bool first(Notice what) { return notices_.count(hub_->self(), what); }

  const Site* site_ = nullptr;
  std::span<const conn::ListenerPolicy> listeners_;
  std::vector<std::optional<TokenView>> tokens_;  // by route
  Notices& notices_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
  Accounts accounts_;
  AccessLog access_log_;
  Answers answers_;
  PubSub pubsub_;
  Publisher publisher_;
  MetricsRoute metrics_;
  CorsFields refused_page_;               // of a body that was refused
  std::vector<http::ForwardedHop> hops_;  // of the request at hand
  std::vector<char> path_scratch_;        // decoded captures of the request at hand
};

}  // namespace peal::server
