// SPDX-License-Identifier: Apache-2.0
#include "server/sse.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>

#include "core/hub/encoding.h"
#include "server/cors.h"
#include "server/log.h"

namespace peal::server {
namespace {

constexpr std::string_view kRetry = "retry: 3000\n";

/// Whether clients cannot know which topic they hear, unless they are told.
bool names_topics(const config::Route& route) {
  return route.select == config::TopicSelect::query || route.topics.size() > 1;
}

std::string json_string(std::string_view text) {
  std::string json(hub::json_string_size(text), '\0');
  hub::write_json_string(json.data(), text);
  return '"' + json + '"';
}

/// `next`: the id from where the messages of the topic follow; empty where they have none.
std::string gap_event(std::string_view topic, std::string_view next) {
  std::string text = "event: gap\ndata: {\"topic\":" + json_string(topic);
  if (!next.empty()) text.append(",\"next\":\"").append(next).append("\"");
  return text + "}\n\n";
}

/// What all answers have in common, from the status on.
void write_fields(http::ResponseWriter& writer, const http::Request& request, Page page,
                  bool keep_alive) {
  writer.status_line(200);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, request.minor_version);
  writer.header("Content-Type", "text/event-stream");
  writer.header("Cache-Control", "no-store");
  writer.header("X-Accel-Buffering", "no");
  for (const http::Header& field : CorsFields(page, request.header("Origin").value_or("")).fields())
    writer.header(field.name, field.value);
}

}  // namespace

void Sse::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
  random_.seed(static_cast<std::uint32_t>(hub::process_epoch()) + hub.self());
}

std::string Sse::retry(Wait wait) {
  std::uniform_int_distribution<unsigned> milliseconds(wait.least, wait.most);
  return "retry: " + std::to_string(milliseconds(random_)) + "\n";
}

void Sse::put_off(conn::Connection& connection, const http::Request& request, Page page,
                  Wait wait) {
  const std::string text = retry(wait);
  const std::size_t room = kResponseRoom + text.size();
  Block* block = table_->memory().blocks.take(room);
  http::ResponseWriter writer({block->data(), room});
  write_fields(writer, request, page, false);
  writer.header("Content-Length", text.size());
  writer.end();
  writer.body(text);
  answers_.note(connection, 200);
  answers_.accounts().count_handshake(HandshakeResult::unavailable);
  table_->respond(connection, block, writer.size(), false);
}

void Sse::begin(conn::Connection& connection, const http::Request& request, const Route& route,
                const Listening& listening) {
  const bool patterns = has_pattern(listening.topics);
  std::string first(kRetry);
  if (listening.resume.since())
    for (const SelectedTopic& topic : listening.topics)
      if (topic.is_pattern) first += gap_event(topic.text, {});
  const std::size_t room = kResponseRoom + first.size();
  Block* block = table_->memory().blocks.take(room);
  http::ResponseWriter writer({block->data(), room});
  write_fields(writer, request, listening.page,
               request.method == "HEAD" && answers_.keeps_alive(request));
  writer.end();
  answers_.note(connection, 200);
  if (request.method == "HEAD") {
    table_->respond(connection, block, writer.size(), answers_.keeps_alive(request));
    return;
  }
  writer.body(first);
  connection.renew();
  connection.set_encoding(names_topics(*route.config) ? hub::Encoding::json_events
                                                      : hub::Encoding::events);
  if (patterns || listening.topics.size() > 1) connection.set_own_ids();
  table_->stream(connection, route, block, writer.size());
  subscribe(*hub_, connection, listening, route.outbox);
  open_when_ready(connection);
  log::debug("route {}: SSE {} opened", route.config->name, connection.id().index);
}

void Sse::push(conn::Connection& connection, std::string_view text) {
  Block* block = table_->memory().blocks.take(text.size());
  std::memcpy(block->data(), text.data(), text.size());
  connection.push_block(table_->memory(), block, {block->data(), text.size()});
}

/// Nothing leaves before all topics are ready. What has gone in before goes without an id where the
/// position was not known; here is the first one.
void Sse::open_when_ready(conn::Connection& connection) {
  if (!all_ready(connection.topics)) return;
  push(connection, "id: " + position_text(connection.topics) + "\n\n");
  table_->topics_ready(connection);
}

void Sse::on_topic_ready(conn::Connection& connection, hub::TopicUse& use) {
  if (use.gap) on_gap(connection, use);
  open_when_ready(connection);
}

void Sse::on_gap(conn::Connection& connection, hub::TopicUse& use) {
  std::string text;
  if (position_known(connection.topics)) text = "id: " + position_text(connection.topics) + "\n";
  const hub::MessageId next{.epoch = hub::process_epoch(), .offset = use.offset};
  push(connection, text + gap_event(use.topic->name(), hub::message_id_text(next)));
}

void Sse::on_event(conn::Connection& connection, hub::TopicUse& use) {
  // What comes by a pattern moves no offset.
  if (use.topic->is_pattern() || !position_known(connection.topics)) return;
  constexpr std::string_view kId = "id: ";
  const std::size_t room = kId.size() + position_room(connection.topics) + 1;
  Block* block = table_->memory().blocks.take(room);
  char* const begin = reinterpret_cast<char*>(block->data());
  char* end = write_position(std::ranges::copy(kId, begin).out, connection.topics);
  *end++ = '\n';
  connection.push_block(table_->memory(), block,
                        {block->data(), static_cast<std::size_t>(end - begin)});
}

void Sse::on_ending(conn::Connection& connection) {
  if (connection.state.ending != conn::Ending::server) return;
  push(connection, retry(kServerGoes) + "\n");
}

}  // namespace peal::server
