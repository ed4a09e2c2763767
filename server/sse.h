// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
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

  /// Milliseconds of which one is drawn, so that clients do not come back all at once.
  struct Wait {
    unsigned least;
    unsigned most;
  };
  static constexpr Wait kServerGoes{1'000, 5'000};  ///< another one is there, or soon
  static constexpr Wait kServerFull{3'000, 8'000};  ///< others have to leave first

  /// Answers a GET with a stream that ends at once and says when to come again. Any status but 200
  /// would be final: EventSource never connects again after it (section 9.2.3, "fail the
  /// connection"). As no event ends, the client keeps the id it has.
  void put_off(conn::Connection& connection, const http::Request& request, Page page, Wait wait);
  void begin(conn::Connection& connection, const http::Request& request, const Route& route,
             const Listening& listening);
  void on_topic_ready(conn::Connection& connection, hub::TopicUse& use);
  void on_gap(conn::Connection& connection, hub::TopicUse& use);
  void on_event(conn::Connection& connection, hub::TopicUse& use);
  void on_ending(conn::Connection& connection);

 private:
  std::string retry(Wait wait);
  void push(conn::Connection& connection, std::string_view text);
  void open_when_ready(conn::Connection& connection);

  const Answers& answers_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
  std::minstd_rand random_;
};

}  // namespace peal::server
