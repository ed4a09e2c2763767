// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "server/answers.h"
#include "server/batch_reader.h"
#include "server/notices.h"
#include "server/publication.h"
#include "server/topic_selection.h"

namespace peal::server {

/// Routes of type "publish": the body of a POST or PUT is a message for each topic of the route, or
/// a batch of messages.
///
/// A batch is checked as a whole before any of it is published. Both are done in shares of a turn,
/// as a body of some MiB would hold up everybody else for a tenth of a second.
///
/// Owner: a Dispatcher. Thread: the shard's. Errors: answered to the client.
/// Limits: RouteLimits::message_size, batch_size and message_rate. While a batch is worked off it
/// takes its body, and for each message some 200 bytes.
class Publisher {
 public:
  using Captures = std::span<const std::string_view>;

  Publisher(const Answers& answers, Notices& notices) : answers_(answers), notices_(notices) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub);

  // What conn::ConnectionHandler and hub::HubClient tell of requests to such routes.

  /// `page`: whose it is that asks.
  void on_request(conn::Connection& connection, const http::Request& request, const Route& route,
                  Captures captures, Page page);
  void on_body(conn::Connection& connection, MutableBytes body, Block* block);
  void on_answer_due(conn::Connection& connection);
  void on_posted(hub::Ticket ticket, hub::MessageId id, std::uint32_t subscribers);

  /// Works off a turn's share of the batches. True when some is left for the next turn.
  bool work();

  /// Gives up the batches under way, at the end.
  void clear();

 private:
  /// What one turn does of all batches.
  struct Share;

  static std::optional<TopicRefusal> keep_topics(Publication& publication, Captures captures);
  bool within_rate(conn::Connection& connection, std::size_t messages);

  void publish(conn::Connection& connection, Publication& publication, MutableBytes body,
               Block* block);
  void hold_back(conn::Connection& connection);
  static void await(Publication& publication, std::size_t results);
  conn::Connection* find_waiting(SlotId id);

  void begin_batch(conn::Connection& connection, Publication& publication, MutableBytes body,
                   Block* block);
  bool work_on(std::unique_ptr<Batch>& batch, Share& share);
  bool read(conn::Connection& connection, Batch& batch, Share& share);
  void keep_message(Batch& batch);
  bool end_reading(conn::Connection& connection, Batch& batch);
  void post(Batch& batch, Share& share);
  void drop(Batch& batch);

  void answer(conn::Connection& connection);
  void forget_large(Publication& publication);
  void answer_error(conn::Connection& connection, int status, std::string_view text);

  const Answers& answers_;
  Notices& notices_;
  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
  BatchParser parser_;
  std::deque<std::unique_ptr<Batch>> batches_;  // under way
  std::string text_;                            // of the answer at hand
};

}  // namespace peal::server
