// SPDX-License-Identifier: Apache-2.0
#include "server/publisher.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "core/base/short_text.h"
#include "core/http/response.h"
#include "core/hub/encoding.h"
#include "core/ws/handshake.h"
#include "server/cors.h"
#include "server/kept_request.h"
#include "server/log.h"
#include "server/topic_selection.h"

namespace peal::server {
namespace {

constexpr std::array<http::Header, 1> kAllowPublish{{{"Allow", "POST, PUT"}}};
constexpr std::array<http::Header, 1> kPlainOnly{{{"Accept-Encoding", "identity"}}};
constexpr std::array<http::Header, 1> kRetryAfter{{{"Retry-After", "1"}}};

constexpr std::size_t kTextRoom = 2048;  // bytes around the text of an error
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr std::size_t kKeptResults = 64;     // for the next request of a connection
constexpr std::size_t kKeptText = 64 << 10;  // bytes, for the next answer

std::span<const http::Header> fields_of(int status) {
  if (status == 429 || status == 503) return kRetryAfter;
  return {};
}

/// {"id":"..","topic":"..","subscribers":N}
void append(std::string& out, std::string_view topic, const Publication::Result& result) {
  std::array<char, hub::kMaxMessageIdText> id;
  char* const id_end = hub::write_message_id(id.data(), result.id);
  out.append(R"({"id":")").append(id.data(), id_end).append(R"(","topic":")");
  const std::size_t before = out.size();
  out.resize(before + hub::json_string_size(topic));
  hub::write_json_string(out.data() + before, topic);
  out.append(R"(","subscribers":)").append(ShortText<10>().append(result.subscribers).view());
  out += '}';
}

/// The same for several, in their order.
template <class Topic>
void append_all(std::string& out, std::span<const Publication::Result> results, Topic&& topic) {
  out += R"({"published":[)";
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (i > 0) out += ',';
    append(out, topic(i), results[i]);
  }
  out += "]}";
}

}  // namespace

void Publisher::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
}

// ---- Requests ----------------------------------------------------------------------------------

void Publisher::on_request(conn::Connection& connection, const http::Request& request,
                           const Route& route, Captures captures, Page page) {
  if (request.method != "POST" && request.method != "PUT") {
    answers_.text(connection, request, 405, "only POST and PUT", kAllowPublish);
    return;
  }
  if (page == Page::foreign) {
    answers_.text(connection, request, 403, "this origin may not use the route");
    return;
  }
  if (!has_length(request)) {
    answers_.text(connection, request, 411,
                  "the body needs a Content-Length, or chunked transfer coding");
    return;
  }
  const auto form = publish_form(request);
  if (!form) {
    // RFC 9110 section 12.5.3: so a coding that is not taken is told from a type that is not.
    const bool coded = form.error().status == 415 && request.header("Content-Encoding");
    answers_.text(connection, request, form.error().status, form.error().reason,
                  coded ? kPlainOnly : std::span<const http::Header>());
    return;
  }
  auto& kept = static_cast<KeptRequest&>(table_->exchange(connection));
  if (!kept.publication) kept.publication = std::make_unique<Publication>();
  Publication& publication = *kept.publication;
  publication.route = &route;
  publication.page = page;
  publication.origin = page == Page::listed ? request.header("Origin").value_or("") : "";
  publication.form = *form;
  publication.keep_alive = request.keep_alive && !ws::wants_upgrade(request);
  publication.minor_version = request.minor_version;
  if (const auto refusal = keep_topics(publication, captures)) {
    answers_.text(connection, request, refusal->status, refusal->reason);
    return;
  }
  const bool batch = publication.form == PublishForm::batch;
  table_->receive_body(connection, request,
                       batch ? route.config->limits.batch_size : route.message_size);
}

/// Finds out where the messages go. A refusal is the answer.
std::optional<TopicRefusal> Publisher::keep_topics(Publication& publication, Captures captures) {
  const Route& route = *publication.route;
  publication.topic_count = 0;
  if (publication.form == PublishForm::batch) {
    publication.batch_topics.emplace(route.topics, captures, route.ends_in_rest);
    return std::nullopt;
  }
  std::vector<std::string>& topics = publication.topics;
  if (topics.size() < route.topics.size()) topics.resize(route.topics.size());
  for (const config::TopicTemplate& topic : route.topics) {
    std::string& name = topics[publication.topic_count];
    if (auto refusal = name_topic(topic, captures, name)) return refusal;
    // Captures may make two topics one; it gets the message once.
    const auto* const begin = topics.data();
    const auto* const end = begin + publication.topic_count;
    if (std::find(begin, end, name) == end) ++publication.topic_count;
  }
  return std::nullopt;
}

void Publisher::on_body(conn::Connection& connection, MutableBytes body, Block* block) {
  Publication& publication = publication_of(connection);
  if (publication.form == PublishForm::batch) {
    begin_batch(connection, publication, body, block);
    return;
  }
  const bool text = publication.form == PublishForm::text;
  if (const auto at = text ? utf8_mistake(body) : std::nullopt) {
    const std::string where =
        *at == body.size() ? "it ends within a character" : "see octet " + std::to_string(*at);
    answer_error(connection, 400, "the body is not UTF-8: " + where);
  } else if (within_rate(connection, 1)) {
    publish(connection, publication, body, std::exchange(block, nullptr));
  }
  table_->memory().blocks.give(block);
}

/// Answers 429 when its client publishes more than it may.
bool Publisher::within_rate(conn::Connection& connection, std::size_t messages) {
  const Route& route = *publication_of(connection).route;
  if (!route.message_rate.limited()) return true;
  Instant paid = connection.state.paid;
  for (std::size_t i = 0; i < messages; ++i) {
    if (route.message_rate.take(paid, table_->now())) continue;
    if (notices_.count(hub_->self(), Notice::message_rate))
      log::warn("message_rate: {} on route {} publishes more than it may: refused, 429",
                connection.state.client.text(), route.config->name);
    answer_error(connection, 429, "more messages than one client may publish");
    return false;
  }
  connection.state.paid = paid;
  return true;
}

// ---- One message -------------------------------------------------------------------------------

void Publisher::publish(conn::Connection& connection, Publication& publication, MutableBytes body,
                        Block* block) {
  hub::Memory& memory = table_->memory();
  const auto opcode =
      publication.form == PublishForm::binary ? ws::Opcode::binary : ws::Opcode::text;
  answers_.accounts().count_received(connection, publication.route->outbox.number);
  await(publication, publication.topic_count);
  const std::uint32_t first = publication.first_ticket;
  const std::size_t last = publication.topic_count - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    hub::Message* message = block && i == last ? memory.make_message(opcode, body, block)
                                               : memory.make_message(opcode, body);
    const hub::Ticket ticket{connection.id(), first + static_cast<std::uint32_t>(i)};
    hub_->post(publication.topics[i], message, ticket);
  }
  hold_back(connection);
}

/// Publishers wait while other shards do not keep up.
void Publisher::hold_back(conn::Connection& connection) {
  const conn::Phase phase = connection.state.phase;
  if (hub_->congested() && (phase == conn::Phase::head || phase == conn::Phase::answering))
    table_->stall_publisher(connection);
}

void Publisher::await(Publication& publication, std::size_t results) {
  publication.first_ticket += static_cast<std::uint32_t>(publication.results.size());
  publication.results.assign(results, {});
  publication.awaited = results;
}

/// The connection with that id if a publish request of it is to be answered.
conn::Connection* Publisher::find_waiting(SlotId id) {
  conn::Connection* connection = table_->find(id);
  if (!connection || connection->state.phase != conn::Phase::answering) return nullptr;
  const auto& kept = static_cast<const KeptRequest&>(*connection->exchange);
  return kept.publication ? connection : nullptr;
}

void Publisher::on_posted(hub::Ticket ticket, hub::MessageId id, std::uint32_t subscribers) {
  conn::Connection* connection = find_waiting(ticket.connection);
  if (!connection) return;
  Publication& publication = publication_of(*connection);
  const std::uint32_t index = ticket.number - publication.first_ticket;
  if (publication.awaited == 0 || index >= publication.results.size()) return;
  publication.results[index] = {id, subscribers};
  if (--publication.awaited == 0 && !publication.batch_under_way) answer(*connection);
}

void Publisher::on_answer_due(conn::Connection& connection) {
  Publication& publication = publication_of(connection);
  if (publication.batch_under_way)
    table_->answer_later(connection, table_->now() + kPatience, false);
  else
    answer_error(connection, 503, "it may be published or not: no answer came in time");
}

// ---- Answers -----------------------------------------------------------------------------------

void Publisher::answer(conn::Connection& connection) {
  Publication& publication = publication_of(connection);
  const auto& results = publication.results;
  text_.clear();
  if (const auto batch = std::exchange(publication.batch, nullptr))
    append_all(text_, results, [&](std::size_t i) { return batch->topic(batch->items[i]); });
  else if (publication.route->topics.size() > 1)
    append_all(text_, results,
               [&](std::size_t i) { return std::string_view(publication.topics[i]); });
  else
    append(text_, publication.topics[0], results[0]);
  const bool keep_alive = publication.keep_alive && !answers_.draining();
  const std::size_t room = kResponseRoom + text_.size();
  Block* block = table_->memory().blocks.take(room);
  http::ResponseWriter writer({block->data(), room});
  writer.status_line(200);
  writer.date(::time(nullptr));
  writer.header("Content-Type", "application/json");
  writer.header("Content-Length", text_.size());
  writer.connection(keep_alive, publication.minor_version);
  for (const http::Header& field : CorsFields(publication.page, publication.origin).fields())
    writer.header(field.name, field.value);
  writer.end();
  writer.body(text_);
  answers_.note(connection, publication.route->outbox.number, 200);
  table_->respond(connection, block, writer.size(), keep_alive);
  forget_large(publication);
}

/// What only a batch needs is not kept for a single message.
void Publisher::forget_large(Publication& publication) {
  if (publication.results.capacity() > kKeptResults) {
    publication.first_ticket += static_cast<std::uint32_t>(publication.results.size());
    publication.results = {};
  }
  if (text_.capacity() > kKeptText) text_ = {};
}

void Publisher::answer_error(conn::Connection& connection, int status, std::string_view text) {
  Publication& publication = publication_of(connection);
  publication.awaited = 0;
  publication.batch.reset();
  const bool keep_alive = publication.keep_alive && status != 503 && !answers_.draining();
  std::array<http::Header, CorsFields::kMost + 1> fields;
  const CorsFields cors(publication.page, publication.origin);
  auto end = std::ranges::copy(cors.fields(), fields.begin()).out;
  end = std::ranges::copy(fields_of(status), end).out;
  const std::size_t room = kTextRoom + text.size();
  Block* block = table_->memory().blocks.take(room);
  const std::size_t size =
      http::write_text_response({block->data(), room}, {.status = status,
                                                        .text = text,
                                                        .headers = {fields.begin(), end},
                                                        .now = ::time(nullptr),
                                                        .minor_version = publication.minor_version,
                                                        .keep_alive = keep_alive});
  answers_.note(connection, publication.route->outbox.number, status);
  table_->respond(connection, block, size, keep_alive);
}

}  // namespace peal::server
