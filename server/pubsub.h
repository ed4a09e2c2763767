// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "server/answers.h"
#include "server/listening.h"
#include "server/long_poll.h"
#include "server/peal_v1.h"
#include "server/sse.h"

namespace peal::server {

/// Routes of type "pubsub": who hears which topics, by what transport, and what clients may say.
///
/// Owner: a Dispatcher. Thread: the shard's. Errors: answered to the client.
class PubSub {
 public:
  using Captures = std::span<const std::string_view>;

  explicit PubSub(const Answers& answers) : answers_(answers), sse_(answers), polls_(answers) {}

  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub);

  // What conn::ConnectionHandler and hub::HubClient tell of connections and uses of such routes.

  /// `page`: whose it is that asks.
  void on_request(conn::Connection& connection, const http::Request& request, const Route& route,
                  Captures captures, Page page);
  /// Instead of on_request(), where there are too many connections: tells the client of an event
  /// stream when to come again. False when the request is for none, and not answered.
  bool put_off(conn::Connection& connection, const http::Request& request, const Route& route);
  void on_message(conn::Connection& connection, const ws::Event& message);
  void on_room(conn::Connection& connection);
  void on_topics_due(conn::Connection& connection);
  void on_answer_due(conn::Connection& connection);
  void on_ending(conn::Connection& connection);
  void on_topic_ready(hub::TopicUse& use);
  void on_gap(hub::TopicUse& use);
  void on_event(hub::TopicUse& use);
  /// Of one that speaks peal.v1: nobody else here is told.
  void on_posted(conn::Connection& connection, hub::Ticket ticket, hub::MessageId id,
                 std::uint32_t subscribers);
  /// Before its topics are left.
  void on_close(conn::Connection& connection);

 private:
  void answer_websocket(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures, Page page);
  void answer_listener(conn::Connection& connection, const http::Request& request,
                       const Route& route, Captures captures, Page page,
                       config::Transport transport);
  void answer_options(conn::Connection& connection, const http::Request& request);
  void refuse(conn::Connection& connection, const http::Request& request,
              const TopicRefusal& refusal);
  void enter_topics(conn::Connection& connection, const Route& route, const Listening& listening,
                    const std::optional<std::string>& publish_to);
  void enter_peal_v1(conn::Connection& connection, const Route& route, Captures captures,
                     const Listening& listening, std::optional<std::string> publish_to);
  void open_when_ready(conn::Connection& connection);
  void close_for_gap(conn::Connection& connection);
  void publish(conn::Connection& connection, const Route& route, const ws::Event& message);

  const Answers& answers_;
  Sse sse_;
  LongPoll polls_;
  PealV1 peal_v1_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
};

}  // namespace peal::server
