// SPDX-License-Identifier: Apache-2.0
#include "server/long_poll.h"

#include <cstring>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "config/units.h"
#include "core/http/target.h"
#include "server/cors.h"
#include "server/kept_request.h"

namespace peal::server {
namespace {

constexpr config::Milliseconds kDefaultWait{25'000};
constexpr config::Milliseconds kMostWait{300'000};
constexpr Duration kReadyTime = std::chrono::seconds(10);  // that topics may take
constexpr std::size_t kFull = 256 << 10;                   // bytes of messages

/// The outbox of a poll is bounded by kFull, and nobody is slow before there is an answer to read.
hub::OutboxPolicy gathering(const Route& route) {
  return {.number = route.outbox.number,
          .queue_size = std::numeric_limits<std::uint32_t>::max(),
          .slow_client = hub::SlowClient::drop};
}

PendingPoll& poll_of(conn::Connection& connection) {
  return *static_cast<KeptRequest&>(*connection.exchange).poll;
}

constexpr std::string_view kBegin = R"({"messages":[)";

/// What all answers of a poll have in common, from the status on.
void write_fields(http::ResponseWriter& writer, int status, const PendingPoll& poll,
                  bool keep_alive) {
  writer.status_line(status);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, poll.minor_version);
  writer.header("Cache-Control", "no-store");
  for (const http::Header& field : CorsFields(poll.page, poll.origin).fields())
    writer.header(field.name, field.value);
}

}  // namespace

std::expected<Duration, TopicRefusal> read_wait(std::string_view query) {
  const auto encoded = http::query_value(query, "wait");
  if (!encoded) return kDefaultWait;
  std::string scratch(encoded->size(), '\0');
  const auto text = http::decode_query_value(*encoded, scratch);
  const auto wait = text ? config::parse_duration(*text) : std::nullopt;
  if (wait && *wait <= kMostWait) return *wait;
  return std::unexpected(TopicRefusal{400, "\"wait\" is a duration up to 5m, such as 25s"});
}

void LongPoll::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
}

void LongPoll::begin(conn::Connection& connection, const http::Request& request, const Route& route,
                     const Listening& listening, Duration wait) {
  auto& poll = static_cast<KeptRequest&>(table_->exchange(connection)).poll;
  if (!poll) poll = std::make_unique<PendingPoll>();
  *poll = {.route = &route,
           .page = listening.page,
           .origin = std::string(listening.page == Page::listed ? listening.origin : ""),
           .minor_version = request.minor_version,
           .keep_alive = answers_.keeps_alive(request),
           .waits = true,
           // Nobody keeps what comes by a pattern between two polls.
           .gap = listening.resume.since() && has_pattern(listening.topics),
           .gather = gathering(route),
           .full_at = {}};
  answers_.accounts().opened(connection, route.outbox.number, config::Transport::poll);
  connection.renew();
  connection.set_encoding(hub::Encoding::json_items);
  connection.set_own_ids();
  table_->answer_later(connection, table_->now() + wait, true);
  subscribe(*hub_, connection, listening, poll->gather);
  if (all_ready(connection.topics)) table_->topics_ready(connection);
}

void LongPoll::answer_head(conn::Connection& connection, const http::Request& request,
                           const Listening& listening) {
  const bool keep_alive = answers_.keeps_alive(request);
  const PendingPoll poll{.page = listening.page,
                         .origin = std::string(listening.origin),
                         .minor_version = request.minor_version,
                         .gather = {},
                         .full_at = {}};
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  write_fields(writer, 200, poll, keep_alive);
  writer.header("Content-Type", "application/json");
  writer.end();
  answers_.note(connection, 200);
  table_->respond(connection, block, writer.size(), keep_alive);
}

// ---- While it waits ----------------------------------------------------------------------------

void LongPoll::on_topic_ready(conn::Connection& connection, hub::TopicUse& use) {
  PendingPoll& poll = poll_of(connection);
  if (use.gap) poll.gap = poll.due = true;
  if (!poll.full_at.empty()) {
    std::size_t index = 0;
    for (const hub::TopicUse* before = connection.topics; before != &use; before = before->next)
      index += !before->topic->is_pattern();
    if (!use.topic->is_pattern()) poll.full_at[index] = use.offset;
  }
  if (all_ready(connection.topics)) table_->topics_ready(connection);
}

/// A message is about to go in; the one that would come when the answer is full stays out, and with
/// it all that follow.
void LongPoll::on_event(conn::Connection& connection, hub::TopicUse& use) {
  if (!connection.fresh() || connection.bytes() < kFull || connection.is_shut()) return;
  connection.shut();
  for (const hub::TopicUse* each = connection.topics; each; each = each->next)
    if (!each->topic->is_pattern())
      poll_of(connection).full_at.push_back(each == &use ? each->offset - 1 : each->offset);
}

void LongPoll::on_topics_due(conn::Connection& connection) {
  const bool answers = poll_of(connection).due || connection.fresh();
  if (answers && all_ready(connection.topics)) answer(connection);
}

void LongPoll::on_answer_due(conn::Connection& connection) {
  PendingPoll& poll = poll_of(connection);
  if (all_ready(connection.topics)) {
    answer(connection);
  } else if (!std::exchange(poll.late, true)) {
    poll.due = true;
    table_->answer_later(connection, table_->now() + kReadyTime, true);
  }
}

/// Its client has gone: nothing is to follow.
void LongPoll::on_ending(conn::Connection& connection) {
  connection.shut();
  connection.drop_messages(table_->memory());
}

void LongPoll::on_close(conn::Connection& connection) {
  if (!connection.exchange) return;
  if (PendingPoll* poll = static_cast<KeptRequest&>(*connection.exchange).poll.get())
    count_out(*poll);
}

void LongPoll::count_out(PendingPoll& poll) const {
  if (std::exchange(poll.waits, false))
    answers_.accounts().closed(poll.gather.number, config::Transport::poll);
}

// ---- Answers -----------------------------------------------------------------------------------

void LongPoll::answer(conn::Connection& connection) {
  PendingPoll& poll = poll_of(connection);
  count_out(poll);
  const std::string next =
      poll.full_at.empty() ? position_text(connection.topics) : position_text(poll.full_at);
  hub_->leave(connection.topics);
  if (connection.fresh() || poll.gap)
    answer_messages(connection, next);
  else
    answer_nothing(connection, next);
}

void LongPoll::answer_nothing(conn::Connection& connection, std::string_view next) {
  const PendingPoll& poll = poll_of(connection);
  const bool keep_alive = poll.keep_alive && !answers_.draining();
  const std::size_t room = kResponseRoom + next.size();
  Block* block = table_->memory().blocks.take(room);
  http::ResponseWriter writer({block->data(), room});
  write_fields(writer, 204, poll, keep_alive);
  writer.header("Peal-Next", next);
  writer.end();
  answers_.note(connection, poll.route->outbox.number, 204);
  table_->respond(connection, block, writer.size(), keep_alive);
}

void LongPoll::answer_messages(conn::Connection& connection, std::string_view next) {
  const PendingPoll& poll = poll_of(connection);
  hub::Memory& memory = table_->memory();
  const bool keep_alive = poll.keep_alive && !answers_.draining();
  const std::string end =
      R"(],"next":")" + std::string(next) + (poll.gap ? R"(","gap":true})" : R"(","gap":false})");
  const std::size_t items = connection.message_bytes();
  const std::size_t room = kResponseRoom + next.size();
  Block* head = memory.blocks.take(room);
  http::ResponseWriter writer({head->data(), room});
  write_fields(writer, 200, poll, keep_alive);
  writer.header("Peal-Next", next);
  writer.header("Content-Type", "application/json");
  writer.header("Content-Length", kBegin.size() + (items > 0 ? items - 1 : 0) + end.size());
  writer.end();
  writer.body(kBegin);
  PEAL_CHECK(writer.size() > 0);
  answers_.note(connection, poll.route->outbox.number, 200);
  connection.begin_array(memory, head, {head->data(), writer.size()});
  Block* block = memory.blocks.take(end.size());
  std::memcpy(block->data(), end.data(), end.size());
  table_->respond(connection, block, end.size(), keep_alive);
}

}  // namespace peal::server
