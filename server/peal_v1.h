// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"
#include "server/peal_v1_commands.h"
#include "server/site.h"
#include "server/topic_selection.h"

namespace peal::server {

/// The WebSockets that speak the sub-protocol peal.v1 (docs/PROTOCOL.md): what they ask for, and
/// what they are told besides messages, which the hub writes (hub::Encoding::json_frames).
///
/// Owner: a PubSub. Thread: the shard's. Errors: told to the client.
/// Limits: a client gets no more answers than it sends commands, of which RoutePolicy::message_rate
/// is the limit, and ConnectionTable takes none from one that does not read; config::Route
/// max_topics bounds what it hears.
class PealV1 {
 public:
  /// What a connection may do, from its request.
  struct Rights {
    std::optional<TopicChoice> choice;      ///< nullopt: the route says what it hears
    std::optional<std::string> publish_to;  ///< nullopt: it may not publish
  };

  /// Both are the shard's. Requires: called once, before anything else.
  void attach(conn::ConnectionTable& table, hub::Hub& hub);

  /// What a client that asks for nothing in particular is sent of the past.
  static hub::Replay standard_replay(const Route& route);

  static bool is_spoken(const conn::Connection& connection) {
    return connection.encoding() == hub::Encoding::json_frames;
  }

  /// A connection has agreed on it. Requires: `upgrading`, and no topic yet.
  void enter(conn::Connection& connection, Rights rights);
  /// A topic of the request, not of a command. It announces itself when it is ready.
  void subscribe(conn::Connection& connection, const SelectedTopic& topic,
                 const hub::Replay& replay) {
    subscribe(connection, topic, replay, {});
  }

  // Of connections that speak it.
  void on_message(conn::Connection& connection, const ws::Event& message);
  void on_topic_ready(hub::TopicUse& use);
  void on_gap(hub::TopicUse& use);
  void on_posted(conn::Connection& connection, hub::Ticket ticket, hub::MessageId id,
                 std::uint32_t subscribers);
  /// Before its topics are left.
  void on_close(conn::Connection& connection);

 private:
  using Ref = std::optional<std::uint32_t>;

  struct Session {
    Rights rights;
    unsigned garbled = 0;  ///< messages that were no JSON objects
  };

  void obey(conn::Connection& connection, const PealCommand& command);
  void subscribe(conn::Connection& connection, const PealCommand& command);
  void subscribe(conn::Connection& connection, const SelectedTopic& topic,
                 const hub::Replay& replay, Ref ref);
  void unsubscribe(conn::Connection& connection, const PealCommand& command);
  void publish(conn::Connection& connection, const PealCommand& command);
  void refuse(conn::Connection& connection, const PealCommand& command, std::string_view code,
              std::string_view message);
  void on_problem(conn::Connection& connection, const PealProblem& problem);
  void announce(hub::TopicUse& use);
  Session& session(const conn::Connection& connection);

  conn::ConnectionTable* table_ = nullptr;
  hub::Hub* hub_ = nullptr;
  PealReader reader_;
  std::string reply_;
  std::unordered_map<std::uint32_t, Session> sessions_;           // by SlotId::index
  std::unordered_map<const hub::TopicUse*, std::uint32_t> refs_;  // of commands under way
};

}  // namespace peal::server
