// SPDX-License-Identifier: Apache-2.0
#include "server/pubsub.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "server/transport.h"
#include "server/websocket.h"

namespace peal::server {
namespace {

using config::Transport;

constexpr std::array<http::Header, 1> kAllow{{{"Allow", "GET, HEAD, OPTIONS"}}};
constexpr auto kGapClose = static_cast<ws::CloseCode>(4000);

bool is_poll(const conn::Connection& connection) {
  return connection.state.phase == conn::Phase::answering && connection.topics;
}

bool is_stream(const conn::Connection& connection) {
  const conn::Phase phase = connection.state.phase;
  return connection.state.streams &&
         (phase == conn::Phase::upgrading || phase == conn::Phase::streaming);
}

bool is_websocket(const conn::Connection& connection) {
  const conn::Phase phase = connection.state.phase;
  return !connection.state.streams &&
         (phase == conn::Phase::upgrading || phase == conn::Phase::open);
}

conn::Connection& connection_of(const hub::TopicUse& use) {
  return static_cast<conn::Connection&>(*use.outbox);
}

}  // namespace

void PubSub::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
  sse_.attach(table, hub);
  polls_.attach(table, hub);
  peal_v1_.attach(table, hub);
}

// ---- Requests ----------------------------------------------------------------------------------

void PubSub::on_request(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures, Page page) {
  const auto transport = choose_transport(request, *route.config);
  if (transport && *transport == Transport::websocket) {
    answer_websocket(connection, request, route, captures, page);
    return;
  }
  if (request.method == "OPTIONS")
    answer_options(connection, request);
  else if (request.method != "GET" && request.method != "HEAD")
    answers_.text(connection, request, 405, "only GET, HEAD and OPTIONS", kAllow);
  else if (page == Page::foreign)
    answers_.text(connection, request, 403, "this origin may not use the route");
  else if (!transport)
    refuse(connection, request, transport.error());
  else
    answer_listener(connection, request, route, captures, page, *transport);
}

void PubSub::answer_websocket(conn::Connection& connection, const http::Request& request,
                              const Route& route, Captures captures, Page page) {
  const auto upgrade = read_upgrade(answers_, connection, request, page);
  if (!upgrade) return;
  // Whoever can subscribe later need not begin with a topic.
  const std::size_t least = asks_for_peal_v1(request) ? 0 : 1;
  auto topics = select_topics(*route.config, route.topics, captures, request.query, least);
  if (!topics) return refuse(connection, request, topics.error());
  const std::size_t named = count_named(*topics);
  auto resume = read_resume(request, *route.config, named);
  if (!resume) return refuse(connection, request, resume.error());
  std::optional<std::string> publish_to;
  if (route.publish_to) {
    auto name = name_topic(*route.publish_to, captures);
    if (!name) return refuse(connection, request, name.error());
    publish_to = std::move(*name);
  }
  connection.renew();
  const auto subprotocol =
      accept_websocket(*table_, answers_, connection, request, route, *upgrade, route.subprotocols);
  if (!subprotocol) return;
  const Listening listening{.topics = std::move(*topics), .resume = std::move(*resume)};
  const bool peal_v1 = *subprotocol == kPealV1;
  if (peal_v1)
    enter_peal_v1(connection, route, captures, listening, std::move(publish_to));
  else
    enter_topics(connection, route, listening, publish_to);
  if (!peal_v1 && listening.resume.since() && has_pattern(listening.topics))
    close_for_gap(connection);
  else
    open_when_ready(connection);
}

bool PubSub::put_off(conn::Connection& connection, const http::Request& request,
                     const Route& route) {
  const auto transport = choose_transport(request, *route.config);
  if (!transport || *transport != Transport::sse || request.method != "GET") return false;
  const std::string_view origin = request.header("Origin").value_or("");
  const Page page =
      judge_origin(origin, scheme_of(connection), request.host, route.config->origins);
  if (page == Page::foreign) return false;
  sse_.put_off(connection, request, page, Sse::kServerFull);
  return true;
}

/// An event stream or a long poll.
void PubSub::answer_listener(conn::Connection& connection, const http::Request& request,
                             const Route& route, Captures captures, Page page,
                             Transport transport) {
  const bool streams = transport == Transport::sse;
  if (streams && answers_.draining()) {
    if (request.method == "HEAD") return answers_.going_down(connection, request);
    return sse_.put_off(connection, request, page, Sse::kServerGoes);
  }
  auto topics = select_topics(*route.config, route.topics, captures, request.query);
  if (!topics) return refuse(connection, request, topics.error());
  const std::size_t named = count_named(*topics);
  if (auto refusal = lack_of_room(request, named, streams, table_->header_size()))
    return refuse(connection, request, *refusal);
  auto resume = streams ? read_stream_resume(request, *route.config, named)
                        : read_resume(request, *route.config, named);
  if (!resume) return refuse(connection, request, resume.error());
  auto wait = streams ? Duration::zero() : read_wait(request.query);
  if (!wait) return refuse(connection, request, wait.error());
  if (answers_.draining()) wait = Duration::zero();
  const Listening listening{.topics = std::move(*topics),
                            .resume = std::move(*resume),
                            .page = page,
                            .origin = request.header("Origin").value_or("")};
  if (streams)
    sse_.begin(connection, request, route, listening);
  else if (request.method == "HEAD")
    polls_.answer_head(connection, request, listening);
  else
    polls_.begin(connection, request, route, listening, *wait);
}

void PubSub::answer_options(conn::Connection& connection, const http::Request& request) {
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = answers_.keeps_alive(request);
  writer.status_line(204);
  writer.date(::time(nullptr));
  writer.header(kAllow.front().name, kAllow.front().value);
  writer.connection(keep_alive, request.minor_version);
  writer.end();
  answers_.note(connection, 204);
  table_->respond(connection, block, writer.size(), keep_alive);
}

void PubSub::refuse(conn::Connection& connection, const http::Request& request,
                    const TopicRefusal& refusal) {
  answers_.text(connection, request, refusal.status, refusal.reason);
}

/// The topic that messages go to is entered last: it heads the list then.
void PubSub::enter_topics(conn::Connection& connection, const Route& route,
                          const Listening& listening,
                          const std::optional<std::string>& publish_to) {
  const auto subscribe = [&](const std::string& topic, hub::Replay replay) {
    if (replay.from == hub::Replay::From::now) replay = {};  // its client does not ask where it is
    hub_->subscribe(connection.topics, topic, connection, route.outbox, replay);
  };
  std::optional<hub::Replay> own;
  std::size_t index = 0;
  for (const SelectedTopic& topic : listening.topics) {
    if (topic.is_pattern) {
      hub_->subscribe_pattern(connection.topics, topic.text, connection, route.outbox);
      continue;
    }
    const hub::Replay replay = listening.resume.replay(index++);
    if (topic.text == publish_to)
      own = replay;
    else
      subscribe(topic.text, replay);
  }
  if (own)
    subscribe(*publish_to, *own);
  else if (publish_to)
    hub_->open(connection.topics, *publish_to, connection);
}

/// What it says and hears goes by names, so it needs no use to publish.
void PubSub::enter_peal_v1(conn::Connection& connection, const Route& route, Captures captures,
                           const Listening& listening, std::optional<std::string> publish_to) {
  PealV1::Rights rights{.choice = std::nullopt, .publish_to = std::move(publish_to)};
  if (route.config->select == config::TopicSelect::query)
    rights.choice = TopicChoice::make(route.topics, captures).value();  // its topics came of it
  peal_v1_.enter(connection, std::move(rights));
  std::size_t index = 0;
  for (const SelectedTopic& topic : listening.topics)
    peal_v1_.subscribe(connection, topic, listening.resume.replay(topic.is_pattern ? 0 : index++));
}

// ---- Topics ------------------------------------------------------------------------------------

void PubSub::open_when_ready(conn::Connection& connection) {
  if (all_ready(connection.topics)) table_->topics_ready(connection);
}

/// A client that gets plain payloads has no other way to hear that some are missing.
void PubSub::close_for_gap(conn::Connection& connection) {
  table_->close(connection, kGapClose, "gap");
}

void PubSub::on_topic_ready(hub::TopicUse& use) {
  conn::Connection& connection = connection_of(use);
  if (is_poll(connection))
    polls_.on_topic_ready(connection, use);
  else if (is_stream(connection))
    sse_.on_topic_ready(connection, use);
  else if (PealV1::is_spoken(connection))
    peal_v1_.on_topic_ready(use);
  else if (is_websocket(connection) && use.gap)
    close_for_gap(connection);
  if (is_websocket(connection) && connection.state.phase == conn::Phase::upgrading)
    open_when_ready(connection);
}

void PubSub::on_gap(hub::TopicUse& use) {
  conn::Connection& connection = connection_of(use);
  if (is_stream(connection))
    sse_.on_gap(connection, use);
  else if (PealV1::is_spoken(connection))
    peal_v1_.on_gap(use);
  else if (is_websocket(connection))
    close_for_gap(connection);
}

void PubSub::on_event(hub::TopicUse& use) {
  conn::Connection& connection = connection_of(use);
  if (is_poll(connection))
    polls_.on_event(connection, use);
  else if (is_stream(connection))
    sse_.on_event(connection, use);
}

void PubSub::on_posted(conn::Connection& connection, hub::Ticket ticket, hub::MessageId id,
                       std::uint32_t subscribers) {
  peal_v1_.on_posted(connection, ticket, id, subscribers);
}

void PubSub::on_close(conn::Connection& connection) {
  polls_.on_close(connection);
  if (PealV1::is_spoken(connection)) peal_v1_.on_close(connection);
}

/// A poll has an answer to write first, and gets the rest with the next one.
void PubSub::on_room(conn::Connection& connection) {
  if (is_stream(connection) || is_websocket(connection))
    hub_->on_room(connection.topics);
  else
    connection.set_wants_room(false);
}

void PubSub::on_topics_due(conn::Connection& connection) {
  if (is_poll(connection)) polls_.on_topics_due(connection);
}

void PubSub::on_answer_due(conn::Connection& connection) {
  if (is_poll(connection)) polls_.on_answer_due(connection);
}

void PubSub::on_ending(conn::Connection& connection) {
  if (is_poll(connection))
    polls_.on_ending(connection);
  else if (is_stream(connection))
    sse_.on_ending(connection);
}

// ---- Messages ----------------------------------------------------------------------------------

void PubSub::on_message(conn::Connection& connection, const ws::Event& message) {
  if (PealV1::is_spoken(connection)) {
    peal_v1_.on_message(connection, message);
    return;
  }
  const Route& route = route_of(connection);
  switch (route.config->publish) {
    case config::PublishPolicy::anyone:
      publish(connection, route, message);
      return;
    case config::PublishPolicy::never:
      table_->close(connection, ws::CloseCode::policy_violation,
                    "this route takes no messages from clients");
      break;
    case config::PublishPolicy::ignore:
      break;
  }
  table_->memory().blocks.give(message.block);
}

void PubSub::publish(conn::Connection& connection, const Route& route, const ws::Event& message) {
  hub::Memory& memory = table_->memory();
  hub::Message* published =
      message.block ? memory.make_message(message.opcode, message.payload, message.block)
                    : memory.make_message(message.opcode, message.payload);
  hub::Sender sender;
  if (!route.config->include_sender) sender = {.shard = hub_->self(), .outbox = connection.id()};
  hub_->publish(*connection.topics, published, sender);
  if (hub_->congested()) table_->stall_publisher(connection);
}

}  // namespace peal::server
