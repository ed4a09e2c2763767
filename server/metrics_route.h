// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/conn/connection_table.h"
#include "server/answers.h"
#include "server/metrics_service.h"

namespace peal::server {

/// What is kept of a scrape until it is answered. Owner: a KeptRequest.
struct PendingScrape {
  bool waits = false;
  std::uint64_t round = 0;  ///< of the MetricsService
  std::uint32_t route = 0;
  int minor_version = 1;
  bool keep_alive = false;
  bool head_only = false;
};

/// Routes of type "metrics": asks the MetricsService, and answers when it has.
///
/// Owner: a Dispatcher. Thread: the shard's. Errors: answered to the client.
class MetricsRoute {
 public:
  explicit MetricsRoute(const Answers& answers) : answers_(answers) {}

  /// All are the shard's but the service; null: there are no figures. Requires: called before
  /// anything else.
  void attach(conn::ConnectionTable& table, hub::ShardIndex self, MetricsService* service);

  void on_request(conn::Connection& connection, const http::Request& request, const Route& route);
  void on_result(const MetricsService::Result& result);
  /// False when the answer that is due is no scrape's.
  bool on_answer_due(conn::Connection& connection);

 private:
  void answer(conn::Connection& connection, const std::string* text);

  const Answers& answers_;
  conn::ConnectionTable* table_ = nullptr;
  MetricsService* service_ = nullptr;
  hub::ShardIndex self_ = 0;
  std::vector<SlotId> waiting_;
};

}  // namespace peal::server
