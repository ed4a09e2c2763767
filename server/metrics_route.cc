// SPDX-License-Identifier: Apache-2.0
#include "server/metrics_route.h"

#include <array>
#include <ctime>
#include <utility>

#include "core/http/response.h"
#include "server/kept_request.h"
#include "server/metrics.h"

namespace peal::server {
namespace {

constexpr std::array<http::Header, 1> kAllowScrape{{{"Allow", "GET, HEAD"}}};
constexpr std::string_view kNoFigures = "the figures did not come in time";

PendingScrape* scrape_of(conn::Connection& connection) {
  if (connection.state.phase != conn::Phase::answering) return nullptr;
  auto& kept = static_cast<KeptRequest&>(*connection.exchange);
  return kept.scrape && kept.scrape->waits ? kept.scrape.get() : nullptr;
}

}  // namespace

void MetricsRoute::attach(conn::ConnectionTable& table, hub::ShardIndex self,
                          MetricsService* service) {
  table_ = &table;
  self_ = self;
  service_ = service;
}

void MetricsRoute::on_request(conn::Connection& connection, const http::Request& request,
                              const Route& route) {
  if (request.method != "GET" && request.method != "HEAD") {
    answers_.text(connection, request, 405, "only GET and HEAD", kAllowScrape);
    return;
  }
  if (!service_) {
    answers_.unavailable(connection, request, kNoFigures);
    return;
  }
  auto& scrape = static_cast<KeptRequest&>(table_->exchange(connection)).scrape;
  if (!scrape) scrape = std::make_unique<PendingScrape>();
  *scrape = {.waits = true,
             .round = service_->ask(self_),
             .route = route.outbox.number,
             .minor_version = request.minor_version,
             .keep_alive = answers_.keeps_alive(request),
             .head_only = request.method == "HEAD"};
  waiting_.push_back(connection.id());
  // There may be a round before the one that answers.
  table_->answer_later(connection, table_->now() + 3 * MetricsService::kPatience, false);
}

void MetricsRoute::on_result(const MetricsService::Result& result) {
  std::erase_if(waiting_, [&](SlotId id) {
    conn::Connection* connection = table_->find(id);
    const PendingScrape* scrape = connection ? scrape_of(*connection) : nullptr;
    if (!scrape) return true;
    if (scrape->round > result.round) return false;
    answer(*connection, result.text.get());
    return true;
  });
}

bool MetricsRoute::on_answer_due(conn::Connection& connection) {
  if (!scrape_of(connection)) return false;
  answer(connection, nullptr);
  return true;
}

/// `text`: null when there are no figures.
void MetricsRoute::answer(conn::Connection& connection, const std::string* text) {
  PendingScrape& scrape = *scrape_of(connection);
  scrape.waits = false;
  const std::string_view body = text ? std::string_view(*text) : kNoFigures;
  const int status = text ? 200 : 503;
  const bool keep_alive = text && scrape.keep_alive && !answers_.draining();
  const std::size_t room = kResponseRoom + body.size();
  Block* block = table_->memory().blocks.take(room);
  http::ResponseWriter writer({block->data(), room});
  writer.status_line(status);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, scrape.minor_version);
  writer.header("Content-Type", text ? kMetricsType : "text/plain");
  writer.header("Cache-Control", "no-store");
  writer.header("Content-Length", body.size());
  writer.end();
  if (!scrape.head_only) writer.body(body);
  answers_.note(connection, scrape.route, status);
  table_->respond(connection, block, writer.size(), keep_alive);
}

}  // namespace peal::server
