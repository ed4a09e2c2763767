// SPDX-License-Identifier: Apache-2.0
#include "server/peal_v1.h"

#include <utility>

#include "core/base/check.h"
#include "server/answers.h"
#include "server/peal_v1_replies.h"

namespace peal::server {
namespace {

constexpr unsigned kMostGarbled = 3;  // messages that are no JSON objects, of one connection
constexpr std::uint32_t kHasRef = 0x80000000;  // of Ticket::number; the rest is the ref

// The codes of errors, besides those of PealProblem.
constexpr std::string_view kBadTopic = "bad_topic";
constexpr std::string_view kForbidden = "forbidden";
constexpr std::string_view kTooMany = "too_many_topics";
constexpr std::string_view kSubscribed = "already_subscribed";
constexpr std::string_view kNotSubscribed = "not_subscribed";

conn::Connection& owner_of(const hub::TopicUse& use) {
  return static_cast<conn::Connection&>(*use.outbox);
}

/// Where a use is. A pattern has no place.
std::optional<hub::MessageId> place_of(const hub::TopicUse& use) {
  if (use.topic->is_pattern()) return std::nullopt;
  return hub::MessageId{hub::process_epoch(), use.offset};
}

struct Uses {
  hub::TopicUse* wanted = nullptr;
  std::size_t count = 0;
};

/// How many topics a connection hears, and the one of that name among them.
Uses find_use(const conn::Connection& connection, std::string_view topic, bool is_pattern) {
  Uses uses;
  for (hub::TopicUse* use = connection.topics; use; use = use->next) {
    ++uses.count;
    if (use->topic->is_pattern() == is_pattern && use->topic->name() == topic) uses.wanted = use;
  }
  return uses;
}

using From = hub::Replay::From;

hub::Replay newest(std::uint32_t count) {
  return count > 0 ? hub::Replay{.from = From::last, .value = count}
                   : hub::Replay{.from = From::now};
}

hub::Replay replay_of(const PealCommand& command, const Route& route) {
  if (command.since)
    return {.from = From::since, .epoch = command.since->epoch, .value = command.since->offset};
  return command.last ? newest(*command.last) : PealV1::standard_replay(route);
}

}  // namespace

hub::Replay PealV1::standard_replay(const Route& route) {
  return newest(route.config->replay ? route.config->replay->last : 0);
}

void PealV1::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
}

PealV1::Session& PealV1::session(const conn::Connection& connection) {
  const auto found = sessions_.find(connection.id().index);
  PEAL_CHECK(found != sessions_.end());
  return found->second;
}

void PealV1::enter(conn::Connection& connection, Rights rights) {
  connection.set_encoding(hub::Encoding::json_frames);
  sessions_.emplace(connection.id().index, Session{.rights = std::move(rights)});
}

void PealV1::on_close(conn::Connection& connection) {
  sessions_.erase(connection.id().index);
  if (refs_.empty()) return;
  for (const hub::TopicUse* use = connection.topics; use; use = use->next) refs_.erase(use);
}

// ---- What clients ask for ----------------------------------------------------------------------

void PealV1::on_message(conn::Connection& connection, const ws::Event& message) {
  if (message.opcode == ws::Opcode::binary) {
    table_->close(connection, ws::CloseCode::unsupported_data, "peal.v1 is text");
  } else {
    const auto command = reader_.read(as_text(message.payload));
    if (command)
      obey(connection, *command);
    else
      on_problem(connection, command.error());
  }
  table_->memory().blocks.give(message.block);
}

void PealV1::obey(conn::Connection& connection, const PealCommand& command) {
  switch (command.kind) {
    case PealCommand::Kind::subscribe:
      subscribe(connection, command);
      break;
    case PealCommand::Kind::unsubscribe:
      unsubscribe(connection, command);
      break;
    case PealCommand::Kind::publish:
      publish(connection, command);
      break;
  }
  if (hub_->congested()) table_->stall_publisher(connection);
}

void PealV1::subscribe(conn::Connection& connection, const PealCommand& command) {
  const Route& route = route_of(connection);
  const auto& choice = session(connection).rights.choice;
  if (!choice) {
    refuse(connection, command, kForbidden, "this route says itself what its clients hear");
    return;
  }
  const auto topic = choice->check(*route.config, command.topic);
  if (!topic) {
    refuse(connection, command, topic.error().status == 403 ? kForbidden : kBadTopic,
           topic.error().reason);
    return;
  }
  const Uses uses = find_use(connection, topic->text, topic->is_pattern);
  if (topic->is_pattern && (command.since || command.last))
    refuse(connection, command, kBadCommand, "a pattern has no past to be sent");
  else if (uses.wanted)
    refuse(connection, command, kSubscribed, "it is subscribed");
  else if (uses.count >= route.config->max_topics)
    refuse(connection, command, kTooMany, "no more topics may be subscribed at once");
  else
    subscribe(connection, *topic, replay_of(command, route), command.ref);
}

void PealV1::subscribe(conn::Connection& connection, const SelectedTopic& topic,
                       const hub::Replay& replay, Ref ref) {
  const hub::OutboxPolicy& policy = connection.policy->outbox;
  hub::TopicUse& use =
      topic.is_pattern ? hub_->subscribe_pattern(connection.topics, topic.text, connection, policy)
                       : hub_->subscribe(connection.topics, topic.text, connection, policy, replay);
  // What a pattern has missed nobody knows.
  if (topic.is_pattern && replay.from == From::since) use.gap = true;
  if (ref) refs_.emplace(&use, *ref);
  if (use.ready) announce(use);
}

void PealV1::unsubscribe(conn::Connection& connection, const PealCommand& command) {
  if (!session(connection).rights.choice) {
    refuse(connection, command, kForbidden, "this route says itself what its clients hear");
    return;
  }
  const bool is_pattern = config::has_wildcard(command.topic);
  hub::TopicUse* use = find_use(connection, command.topic, is_pattern).wanted;
  if (!use) {
    refuse(connection, command, kNotSubscribed, "it is not subscribed");
    return;
  }
  refs_.erase(use);
  hub_->leave(connection.topics, *use);
  write_unsubscribed(reply_, command.topic, command.ref);
  table_->send_text(connection, reply_);
}

void PealV1::publish(conn::Connection& connection, const PealCommand& command) {
  const auto& publish_to = session(connection).rights.publish_to;
  if (!publish_to) {
    refuse(connection, command, kForbidden, "this route takes no messages from clients");
    return;
  }
  if (!command.topic.empty() && command.topic != *publish_to) {
    refuse(connection, command, kForbidden, "clients of this route do not publish to that topic");
    return;
  }
  hub::Message* message = table_->memory().make_message(
      command.is_text ? ws::Opcode::text : ws::Opcode::binary, as_bytes(command.payload));
  const hub::Ticket ticket{.connection = connection.id(),
                           .number = command.ref ? kHasRef | *command.ref : 0};
  hub::Sender sender;
  if (!route_of(connection).config->include_sender)
    sender = {.shard = hub_->self(), .outbox = connection.id()};
  hub_->post(*publish_to, message, ticket, sender);
}

void PealV1::refuse(conn::Connection& connection, const PealCommand& command, std::string_view code,
                    std::string_view message) {
  write_error(reply_, code, message, command.ref);
  table_->send_text(connection, reply_);
}

/// Who sends what is not even JSON speaks something else.
void PealV1::on_problem(conn::Connection& connection, const PealProblem& problem) {
  write_error(reply_, problem.code, problem.message, problem.ref);
  table_->send_text(connection, reply_);
  if (problem.code == kNotJson && ++session(connection).garbled == kMostGarbled)
    table_->close(connection, ws::CloseCode::policy_violation, "peal.v1 is JSON objects");
}

// ---- What they are told ------------------------------------------------------------------------

void PealV1::on_topic_ready(hub::TopicUse& use) {
  announce(use);
}

void PealV1::announce(hub::TopicUse& use) {
  Ref ref;
  if (const auto pending = refs_.find(&use); pending != refs_.end()) {
    ref = pending->second;
    refs_.erase(pending);
  }
  write_subscribed(reply_, use.topic->name(), place_of(use), ref);
  table_->send_text(owner_of(use), reply_);
  if (use.gap) on_gap(use);
}

void PealV1::on_gap(hub::TopicUse& use) {
  write_gap(reply_, use.topic->name(), place_of(use));
  table_->send_text(owner_of(use), reply_);
}

void PealV1::on_posted(conn::Connection& connection, hub::Ticket ticket, hub::MessageId id,
                       std::uint32_t subscribers) {
  const auto found = sessions_.find(connection.id().index);
  // One that is over keeps its slot until the kernel is done with it.
  if (found == sessions_.end() || (ticket.number & kHasRef) == 0) return;
  const std::string& topic = *found->second.rights.publish_to;
  write_published(reply_, topic, id, subscribers, ticket.number & ~kHasRef);
  table_->send_text(connection, reply_);
}

}  // namespace peal::server
