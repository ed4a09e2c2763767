// SPDX-License-Identifier: Apache-2.0
// The whole configuration as plain data, defaults included. Made by load(), then never changed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::config {

using Milliseconds =
    std::chrono::milliseconds;  ///< zero switches a timeout off where that is allowed

enum class IoChoice : std::uint8_t { automatic, io_uring, epoll };
enum class SlowClient : std::uint8_t { disconnect, drop, latest };
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };
enum class RouteType : std::uint8_t { echo, pubsub, publish, files, health, metrics };
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };
enum class PublishPolicy : std::uint8_t { never, ignore, anyone };
enum class Transport : std::uint8_t { websocket, sse, poll };
enum class ProxyProtocol : std::uint8_t { none, v1, v2, any };
enum class ForwardedHeader : std::uint8_t { none, x_forwarded_for, forwarded };
enum class TopicSelect : std::uint8_t { route, query };

struct Server {
  unsigned threads = 0;  ///< reactors; 0 = one for each CPU this process may run on
  IoChoice io = IoChoice::automatic;
  bool pin = true;  ///< each reactor stays on its CPU

  bool operator==(const Server&) const = default;
};

/// PEM files; absolute, load() resolves them against the configuration file's folder.
struct CertificateFiles {
  std::string cert;  ///< the server's certificate, then those that lead to its root
  std::string key;

  bool operator==(const CertificateFiles&) const = default;
};

struct Tls {
  std::vector<CertificateFiles> certificates;  ///< the first one where none is for the name asked
  std::string client_ca;                       ///< absolute; empty = clients show no certificate
  TlsVersion min_version = TlsVersion::v1_2;

  bool operator==(const Tls&) const = default;
};

/// What stands for Unix sockets among networks that are trusted.
inline constexpr std::string_view kTrustUnix = "unix";

/// Who tells by the PROXY protocol whose connections it passes on.
struct Proxy {
  ProxyProtocol protocol = ProxyProtocol::none;
  std::vector<std::string> trust = {};  ///< read with IpPrefix::parse(), or kTrustUnix

  bool operator==(const Proxy&) const = default;
};

/// Who tells in each request whose it is.
struct Forwarded {
  ForwardedHeader header = ForwardedHeader::none;
  std::vector<std::string> trust = {};  ///< as Proxy::trust

  bool operator==(const Forwarded&) const = default;
};

/// A listener. Where: exactly one of `host`, `path` and `activation` is not empty.
struct Listen {
  std::string name;
  std::string host;  ///< an IPv4 or IPv6 address in text, without brackets
  std::uint16_t port = 0;
  std::vector<std::string> routes;  ///< names; empty = every route
  std::optional<Tls> tls = std::nullopt;
  std::string path = {};        ///< of a Unix socket; absolute, as CertificateFiles
  std::string activation = {};  ///< the name of sockets that systemd passes
  std::uint32_t mode = 0660;    ///< with `path`: permissions, as chmod(2) has them
  std::string owner = {};       ///< with `path`: a user; empty = this process's
  std::string group = {};       ///< with `path`: the same of groups
  bool defer_accept = true;     ///< with `host`: TCP_DEFER_ACCEPT
  Proxy proxy = {};
  Forwarded forwarded = {};

  bool operator==(const Listen&) const = default;
};

/// What a route may override with `limits = { ... }`.
struct RouteLimits {
  std::uint64_t message_size = 1 << 20;       ///< bytes after reassembly and after inflation
  std::uint32_t message_fragments = 1 << 17;  ///< frames of one message
  std::uint64_t batch_size = 4 << 20;         ///< bytes of a body with many messages
  std::uint64_t queue_size = 1 << 20;         ///< bytes waiting to be sent to one client
  SlowClient slow_client = SlowClient::disconnect;
  std::uint32_t message_rate = 0;  ///< messages a second from one client; 0 = no limit
  Milliseconds ping_interval{25'000};
  Milliseconds pong_timeout{15'000};
  Milliseconds idle_timeout{0};

  bool operator==(const RouteLimits&) const = default;
};

struct Limits {
  std::uint64_t connections = 0;         ///< 0 = as many as the file limit allows, less a reserve
  std::uint64_t connections_per_ip = 0;  ///< an IPv4 address or an IPv6 /64; 0 = no limit
  std::uint32_t accept_rate = 0;         ///< connections a second, whole process; 0 = no limit
  std::uint64_t header_size = 16 << 10;
  std::uint64_t history_memory = 256 << 20;  ///< bytes; histories of the whole process
  Milliseconds handshake_timeout{10'000};
  Milliseconds body_timeout{30'000};  ///< from the end of a request's head to that of its body
  Milliseconds close_timeout{5'000};
  RouteLimits route;  ///< for every route that does not say otherwise

  bool operator==(const Limits&) const = default;
};

/// permessage-deflate, RFC 7692.
struct Compression {
  bool enabled = true;                ///< for every route that does not say otherwise
  std::uint64_t min_size = 64;        ///< bytes; smaller messages go uncompressed
  std::uint64_t max_size = 64 << 10;  ///< bytes; so do larger ones
  unsigned level = 1;                 ///< 1 to 9, as zlib has them
  bool context_takeover = false;

  bool operator==(const Compression&) const = default;
};

/// How a process that is asked to stop lets its clients go.
struct Drain {
  Milliseconds over{30'000};     ///< the time that the closes are spread over
  double jitter = 0.25;          ///< 0 to 1, of the time between two closes
  Milliseconds pause{0};         ///< before the listeners close
  Milliseconds timeout{20'000};  ///< after `over`, for those that do not go by themselves

  bool operator==(const Drain&) const = default;
};

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file;            ///< absolute, as `Route::root`; empty = standard error
  bool access = false;         ///< a line for each connection that ends
  unsigned access_one_in = 1;  ///< or for one in so many

  bool operator==(const Log&) const = default;
};

/// Who may use a route.
struct Auth {
  std::string bearer_file;  ///< one token a line; absolute, as `Route::root`

  bool operator==(const Auth&) const = default;
};

/// What a new subscriber gets without asking.
struct Replay {
  std::uint32_t last = 0;  ///< messages, the newest of each topic's history

  bool operator==(const Replay&) const = default;
};

struct Route {
  std::string name;
  std::string path;  ///< "/chat/{room}"; read it with parse_path_pattern()
  RouteType type = RouteType::echo;
  std::vector<std::string> hosts;    ///< "example.com", "*.example.com"; empty = any
  std::vector<std::string> origins;  ///< besides the same origin; "*" = any page
  std::vector<std::string> subprotocols;
  std::vector<std::string> listen;  ///< names of listeners; empty = every one
  bool compression = true;
  std::optional<Auth> auth;  ///< nullopt = everyone
  RouteLimits limits;

  // pubsub and publish
  std::vector<std::string> topics;  ///< "chat/{room}"; read them with parse_topic_template()

  // pubsub
  std::vector<Transport> transports{Transport::websocket, Transport::sse, Transport::poll};
  TopicSelect select = TopicSelect::route;  ///< query: `topics` are patterns, clients choose
  bool wildcards = false;                   ///< query: whether clients may choose patterns, too
  std::uint32_t max_topics = 32;            ///< query: of one connection
  std::optional<Replay> replay;
  PublishPolicy publish = PublishPolicy::never;
  std::string publish_to;  ///< a template; the first topic unless given, or empty where clients
                           ///< choose their topics and may not publish
  bool include_sender = true;

  // files
  std::string root;  ///< absolute; load() resolves it against the configuration file's folder
  std::string index = "index.html";

  bool operator==(const Route&) const = default;
};

/// Messages that a topic keeps for those who come later.
struct History {
  std::uint32_t size = 0;  ///< messages; 0 = none
  Milliseconds age{0};     ///< older ones go; 0 = never

  bool operator==(const History&) const = default;
};

/// A class of topics.
struct Topic {
  std::string name;
  std::string match;  ///< "chat/**"; read it with TopicPattern::parse()
  std::optional<History> history;
  std::uint32_t rate = 0;  ///< messages a second to each subscriber, the newest; 0 = all

  bool operator==(const Topic&) const = default;
};

/// The class that topics belong to for which there is no other.
inline constexpr std::string_view kDefaultTopicClass = "default";

struct Config {
  Server server;
  std::vector<Listen> listen;
  Limits limits;
  Compression compression;
  Drain drain;
  Log log;
  std::vector<Route> routes;
  std::vector<Topic> topics;

  bool operator==(const Config&) const = default;
};

/// Whether clients may use `transport` on a pubsub route.
inline bool offers(const Route& route, Transport transport) {
  return std::ranges::find(route.transports, transport) != route.transports.end();
}

/// Whether requests that come in by `listen` may reach `route`; both may name the other.
inline bool answers_on(const Route& route, const Listen& listen) {
  auto names = [](const std::vector<std::string>& list, const std::string& name) {
    return list.empty() || std::ranges::find(list, name) != list.end();
  };
  return names(listen.routes, route.name) && names(route.listen, listen.name);
}

}  // namespace peal::config
