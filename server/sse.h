// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string_view>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "server/answers.h"
#include "server/listening.h"

namespace peal::server {

/// Event streams (WHATWG HTML, section 9.2): the hub writes the events, this is what stands around
/// them. Each stream begins with the time to wait before connecting again and with its position, so
/// that a client that has heard nothing can resume as well.
///
/// Owner: a PubSub. Thread: the shard's. Errors: none.
class Sse {
 public:
  explicit Sse(const Answers& answers) : answers_(answers) {}

  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub);

  void begin(conn::Connection& connection, const http::Request& request, const Route& route,
             const Listening& listening);
  void on_topic_ready(conn::Connection& connection, hub::TopicUse& use);
  void on_gap(conn::Connection& connection, hub::TopicUse& use);
  void on_event(conn::Connection& connection, hub::TopicUse& use);
  void on_ending(conn::Connection& connection);

 private:
  void push(conn::Connection& connection, std::string_view text);
  void open_when_ready(conn::Connection& connection);

  const Answers& answers_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
  std::minstd_rand random_;
};

}  // namespace peal::server
