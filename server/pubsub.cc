// SPDX-License-Identifier: Apache-2.0
#include "server/pubsub.h"

#include <algorithm>

#include "core/ws/handshake.h"
#include "server/origin.h"
#include "server/websocket.h"

namespace peal::server {

void PubSub::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
}

// ---- Requests ----------------------------------------------------------------------------------

void PubSub::on_request(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures) {
  if (!config::offers(*route.config, config::Transport::websocket)) {
    answers_.text(connection, request, 501, "none of the transports of this route is served here");
    return;
  }
  const auto upgrade = ws::check_upgrade(request);
  if (!upgrade) {
    const ws::Rejection& rejection = upgrade.error();
    answers_.text(connection, request, rejection.status, rejection.reason, rejection.headers);
    return;
  }
  const std::string_view origin = request.header("Origin").value_or("");
  if (!origin_allowed(origin, scheme_of(connection), request.host, route.config->origins)) {
    answers_.text(connection, request, 403, "this origin may not use the route");
    return;
  }
  const auto selection = select(connection, request, route, captures);
  if (!selection) return;
  const auto subprotocol = accept_websocket(*table_, answers_, connection, request, route, *upgrade,
                                            route.config->subprotocols);
  if (!subprotocol) return;
  enter_topics(connection, route, *selection);
  open_when_ready(connection);
}

/// Finds out what a request is about. Nullopt: it is refused, and answered.
std::optional<PubSub::Selection> PubSub::select(conn::Connection& connection,
                                                const http::Request& request, const Route& route,
                                                Captures captures) {
  const auto refuse = [&](const TopicRefusal& refusal) {
    answers_.text(connection, request, refusal.status, refusal.reason);
    return std::nullopt;
  };
  auto topics = select_topics(*route.config, route.topics, captures, request.query);
  if (!topics) return refuse(topics.error());
  if (std::ranges::any_of(*topics, &SelectedTopic::is_pattern))
    return refuse({501, "subscribing to patterns is not served here"});
  Selection selection{.topics = std::move(*topics), .publish_to = std::nullopt};
  if (!route.publish_to) return selection;
  auto name = name_topic(*route.publish_to, captures);
  if (!name) return refuse(name.error());
  selection.publish_to = std::move(*name);
  return selection;
}

/// The topic that messages go to is entered last: it heads the list then.
void PubSub::enter_topics(conn::Connection& connection, const Route& route,
                          const Selection& selection) {
  bool hears_itself = false;
  for (const SelectedTopic& topic : selection.topics) {
    if (topic.text == selection.publish_to)
      hears_itself = true;
    else
      hub_->subscribe(connection.topics, topic.text, connection, route.outbox);
  }
  if (hears_itself)
    hub_->subscribe(connection.topics, *selection.publish_to, connection, route.outbox);
  else if (selection.publish_to)
    hub_->open(connection.topics, *selection.publish_to, connection);
}

// ---- Topics ------------------------------------------------------------------------------------

void PubSub::open_when_ready(conn::Connection& connection) {
  for (const hub::TopicUse* use = connection.topics; use; use = use->next)
    if (!use->ready) return;
  table_->topics_ready(connection);
}

void PubSub::on_topic_ready(hub::TopicUse& use) {
  open_when_ready(static_cast<conn::Connection&>(*use.outbox));
}

void PubSub::on_gap(hub::TopicUse&) {}
void PubSub::on_event(hub::TopicUse&) {}

void PubSub::on_room(conn::Connection& connection) {
  hub_->on_room(connection.topics);
}

// ---- Messages ----------------------------------------------------------------------------------

void PubSub::on_message(conn::Connection& connection, const ws::Event& message) {
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
