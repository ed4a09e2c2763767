// SPDX-License-Identifier: Apache-2.0
// Which keys there are and what they take, once for reading (TableReader), printing and explaining
// (SettingLister). A Table has one function for each kind of value; a reader fills the field, a
// lister looks at it.
#pragma once

#include <cstdint>

#include "config/config.h"

namespace peal::config {

/// Bounds of a value, both included.
struct SizeRange {
  std::uint64_t least;
  std::uint64_t most;
};
struct DurationRange {
  Milliseconds least;  ///< when 0 is not allowed to mean "never"
  Milliseconds most;
};

inline constexpr unsigned kMaxThreads = 256;
inline constexpr SizeRange kConnections{0, 100'000'000};
inline constexpr SizeRange kRate{0, 1'000'000'000};
inline constexpr SizeRange kHeaderSize{1 << 10, 1 << 20};
// As an event or in JSON a message may be 7 times as long, which is still less than 4 GiB.
inline constexpr SizeRange kMessageSize{1, 512 << 20};
inline constexpr SizeRange kBatchSize{1, 1 << 30};
inline constexpr SizeRange kMessageFragments{1, 1 << 24};
inline constexpr SizeRange kQueueSize{4 << 10, 1 << 30};
inline constexpr SizeRange kCompressedSize{0, 1 << 30};
inline constexpr SizeRange kLevel{1, 9};
inline constexpr SizeRange kOneIn{1, 1'000'000};
inline constexpr SizeRange kHistoryMemory{1 << 20, std::uint64_t{1} << 40};
inline constexpr SizeRange kHistorySize{0, 1'000'000};
inline constexpr SizeRange kMaxTopics{1, 1024};
inline constexpr SizeRange kTopicRate{0, 1000};  // a message each millisecond
inline constexpr DurationRange kAge{Milliseconds{0}, std::chrono::hours{24 * 365}};
inline constexpr DurationRange kTimeout{Milliseconds{1}, std::chrono::hours{24}};
inline constexpr DurationRange kTimeoutOrNever{Milliseconds{0}, std::chrono::hours{24}};

template <class Table, class Server>
void visit_server(Table& table, Server& server) {
  table.count_or_auto("threads", server.threads, kMaxThreads);
  table.choice("io", server.io);
  table.flag("pin", server.pin);
}

template <class Table, class Tls>
void visit_tls(Table& table, Tls& tls) {
  table.certificates("cert", "key", tls.certificates);
  table.text("client_ca", tls.client_ca);
  table.choice("min_version", tls.min_version);
}

template <class Table, class Proxy>
void visit_proxy(Table& table, Proxy& proxy) {
  table.choice("protocol", proxy.protocol);
  table.list("trust", proxy.trust);
}

template <class Table, class Forwarded>
void visit_forwarded(Table& table, Forwarded& forwarded) {
  table.choice("header", forwarded.header);
  table.list("trust", forwarded.trust);
}

/// The keys that only a Unix socket has, and those of an IP address alone.
inline constexpr std::string_view kUnixKeys[] = {"mode", "owner", "group"};
inline constexpr std::string_view kIpKeys[] = {"defer_accept"};

template <class Table, class Listen>
void visit_listen(Table& table, Listen& listen) {
  table.address("address", listen);
  table.list("routes", listen.routes);
  if (!listen.path.empty()) {
    table.mode("mode", listen.mode);
    table.text("owner", listen.owner);
    table.text("group", listen.group);
  }
  if (!listen.host.empty()) table.flag("defer_accept", listen.defer_accept);
  table.table_or_none("tls", listen.tls, [](auto& inner, auto& tls) { visit_tls(inner, tls); });
  table.table("proxy", [&](auto& inner) { visit_proxy(inner, listen.proxy); });
  table.table("forwarded", [&](auto& inner) { visit_forwarded(inner, listen.forwarded); });
}

/// What a route may say for itself.
template <class Table, class RouteLimits>
void visit_route_limits(Table& table, RouteLimits& limits) {
  table.size("message_size", limits.message_size, kMessageSize);
  table.count("message_fragments", limits.message_fragments, kMessageFragments);
  table.size("batch_size", limits.batch_size, kBatchSize);
  table.size("queue_size", limits.queue_size, kQueueSize);
  table.choice("slow_client", limits.slow_client);
  table.rate("message_rate", limits.message_rate, kRate);
  table.duration("ping_interval", limits.ping_interval, kTimeoutOrNever);
  table.duration("pong_timeout", limits.pong_timeout, kTimeout);
  table.duration("idle_timeout", limits.idle_timeout, kTimeoutOrNever);
}

template <class Table, class Limits>
void visit_limits(Table& table, Limits& limits) {
  table.count("connections", limits.connections, kConnections);
  table.count("connections_per_ip", limits.connections_per_ip, kConnections);
  table.rate("accept_rate", limits.accept_rate, kRate);
  table.size("header_size", limits.header_size, kHeaderSize);
  table.size("history_memory", limits.history_memory, kHistoryMemory);
  table.duration("handshake_timeout", limits.handshake_timeout, kTimeout);
  table.duration("body_timeout", limits.body_timeout, kTimeout);
  table.duration("close_timeout", limits.close_timeout, kTimeout);
  visit_route_limits(table, limits.route);
}

template <class Table, class Compression>
void visit_compression(Table& table, Compression& compression) {
  table.flag("enabled", compression.enabled);
  table.size("min_size", compression.min_size, kCompressedSize);
  table.size("max_size", compression.max_size, kCompressedSize);
  table.count("level", compression.level, kLevel);
  table.flag("context_takeover", compression.context_takeover);
}

template <class Table, class Drain>
void visit_drain(Table& table, Drain& drain) {
  table.duration("over", drain.over, kTimeoutOrNever);
  table.fraction("jitter", drain.jitter);
  table.duration("pause", drain.pause, kTimeoutOrNever);
  table.duration("timeout", drain.timeout, kTimeoutOrNever);
}

template <class Table, class Log>
void visit_log(Table& table, Log& log) {
  table.choice("level", log.level);
  table.choice("format", log.format);
  table.text("file", log.file);
  table.flag("access", log.access);
  table.count("access_one_in", log.access_one_in, kOneIn);
}

template <class Table, class Auth>
void visit_auth(Table& table, Auth& auth) {
  table.text("bearer_file", auth.bearer_file);
}

template <class Table, class Replay>
void visit_replay(Table& table, Replay& replay) {
  table.count("last", replay.last, kHistorySize);
}

/// Types of routes, a bit for each.
template <class... Types>
constexpr unsigned types(Types... type) {
  return (0u | ... | (1u << static_cast<unsigned>(type)));
}
inline constexpr unsigned kAllButPublish = types(
    RouteType::echo, RouteType::pubsub, RouteType::files, RouteType::health, RouteType::metrics);

/// The types of route that a key is for; others refuse it. Keys that are not here are for all.
struct TypeKey {
  std::string_view key;
  unsigned types;
};
inline constexpr TypeKey kTypeKeys[] = {
    {"subprotocols", kAllButPublish},
    {"compression", kAllButPublish},
    {"topics", types(RouteType::pubsub, RouteType::publish)},
    {"transports", types(RouteType::pubsub)},
    {"select", types(RouteType::pubsub)},
    {"wildcards", types(RouteType::pubsub)},
    {"max_topics", types(RouteType::pubsub)},
    {"publish", types(RouteType::pubsub)},
    {"publish_to", types(RouteType::pubsub)},
    {"include_sender", types(RouteType::pubsub)},
    {"replay", types(RouteType::pubsub)},
    {"root", types(RouteType::files)},
    {"index", types(RouteType::files)},
};

template <class Table, class Route>
void visit_pubsub(Table& table, Route& route) {
  table.choice("select", route.select);
  table.flag("wildcards", route.wildcards);
  table.count("max_topics", route.max_topics, kMaxTopics);
  table.choices("transports", route.transports);
  table.choice("publish", route.publish);
  table.text("publish_to", route.publish_to);
  table.flag("include_sender", route.include_sender);
}

template <class Table, class Route>
void visit_route(Table& table, Route& route) {
  table.text("path", route.path);
  table.choice("type", route.type);
  table.list("hosts", route.hosts);
  table.list("origins", route.origins);
  table.list("listen", route.listen);
  if (route.type != RouteType::publish) {
    table.list("subprotocols", route.subprotocols);
    table.flag("compression", route.compression);
  }
  if (route.type == RouteType::pubsub || route.type == RouteType::publish)
    table.list("topics", route.topics);
  if (route.type == RouteType::pubsub) visit_pubsub(table, route);
  if (route.type == RouteType::files) {
    table.text("root", route.root);
    table.text("index", route.index);
  }
  if (route.type == RouteType::pubsub)
    table.table_or_none("replay", route.replay,
                        [](auto& inner, auto& replay) { visit_replay(inner, replay); });
  table.table_or_none("auth", route.auth, [](auto& inner, auto& auth) { visit_auth(inner, auth); });
  table.table("limits", [&](auto& limits) { visit_route_limits(limits, route.limits); });
}

template <class Table, class History>
void visit_history(Table& table, History& history) {
  table.count("size", history.size, kHistorySize);
  table.duration("age", history.age, kAge);
}

template <class Table, class Topic>
void visit_topic(Table& table, Topic& topic) {
  table.text("match", topic.match);
  table.rate("rate", topic.rate, kTopicRate);
  table.table_or_none("history", topic.history,
                      [](auto& inner, auto& history) { visit_history(inner, history); });
}

}  // namespace peal::config
