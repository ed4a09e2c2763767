// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "server/answers.h"
#include "server/listening.h"

namespace peal::server {

/// What is kept of a long poll until it is answered. Owner: a KeptRequest.
struct PendingPoll {
  const Route* route = nullptr;
  Page page = Page::none;
  std::string origin;  ///< where `page` makes it matter
  int minor_version = 1;
  bool keep_alive = false;
  bool waits = false;        ///< it is not answered yet
  bool gap = false;          ///< messages are missing
  bool due = false;          ///< to be answered as soon as all topics are ready
  bool late = false;         ///< the time to wait is over
  hub::OutboxPolicy gather;  ///< as the hub is to see the outbox meanwhile
  /// The position where the answer ends, once it is full and more has come; else empty.
  std::vector<std::uint64_t> full_at;
};

/// How long a poll may wait: "?wait=25s", a duration as in the configuration. Error: 400.
std::expected<Duration, TopicRefusal> read_wait(std::string_view query);

/// Long polls: one answer with what there is, or with the first that comes, or with nothing when
/// the time is up. While one waits, its topics are its connection's, and what comes gathers in the
/// outbox; the answer is written around it.
///
/// Owner: a PubSub. Thread: the shard's. Errors: none.
/// Limits: an answer has 256 KiB and one message at most; what came after that comes with the next.
class LongPoll {
 public:
  explicit LongPoll(const Answers& answers) : answers_(answers) {}

  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub);

  void begin(conn::Connection& connection, const http::Request& request, const Route& route,
             const Listening& listening, Duration wait);
  /// HEAD: what could be said without waiting.
  void answer_head(conn::Connection& connection, const http::Request& request,
                   const Listening& listening);
  void on_topic_ready(conn::Connection& connection, hub::TopicUse& use);
  void on_event(conn::Connection& connection, hub::TopicUse& use);
  void on_topics_due(conn::Connection& connection);
  void on_answer_due(conn::Connection& connection);
  void on_ending(conn::Connection& connection);
  /// Of any connection.
  void on_close(conn::Connection& connection);

 private:
  void answer(conn::Connection& connection);
  void count_out(PendingPoll& poll) const;
  void answer_nothing(conn::Connection& connection, std::string_view next);
  void answer_messages(conn::Connection& connection, std::string_view next);

  const Answers& answers_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
};

}  // namespace peal::server
