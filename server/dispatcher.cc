// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include <algorithm>
#include <ctime>

#include "core/base/check.h"
#include "core/http/response.h"
#include "core/http/target.h"
#include "core/ws/handshake.h"
#include "core/ws/permessage_deflate.h"
#include "server/log.h"
#include "server/origin.h"

namespace peal::server {
namespace {

constexpr std::size_t kResponseRoom = 2048;  // bytes; every head and short text fits

constexpr std::string_view kMethods = "GET, HEAD, OPTIONS";  // that one route or another answers
constexpr std::array<http::Header, 1> kAllowRead{{{"Allow", "GET, HEAD"}}};
constexpr std::array<http::Header, 1> kRetryAfter{{{"Retry-After", "5"}}};

constexpr std::array<http::Header, 1> kNoToken{{{"WWW-Authenticate", R"(Bearer realm="peal")"}}};
constexpr std::array<http::Header, 1> kWrongToken{
    {{"WWW-Authenticate", R"(Bearer realm="peal", error="invalid_token")"}}};

const Route& route_of(const conn::Connection& connection) {
  return static_cast<const Route&>(*connection.policy);  // Site makes nothing else
}

std::string_view scheme_of(const conn::Connection& connection) {
  return connection.secure ? "https" : "http";
}

/// A body that nobody asked for would be taken for the next request, so the connection ends. So it
/// does when a WebSocket was refused: a proxy that does not wait for the 101 passes on whatever the
/// client sends, and that would be taken for requests of the proxy's own.
bool keeps_alive(const http::Request& request) {
  return request.keep_alive && !request.has_body() && !ws::wants_upgrade(request);
}

/// What a configuration may ask for and this server does not do; empty where there is nothing.
std::string_view not_served(const config::Route& route) {
  if (route.type == config::RouteType::publish) return "publishing over HTTP is not served here";
  if (!config::offers(route, config::Transport::websocket))
    return "none of the transports of this route is served here";
  return {};
}

}  // namespace

Dispatcher::Dispatcher(const Site& site, const conn::TableLimits& limits, Notices& notices)
    : site_(site), notices_(notices), path_scratch_(limits.header_size) {
  for (const Route& route : site.routes()) {
    auto& tokens = tokens_.emplace_back();
    if (route.tokens) tokens.emplace(*route.tokens);
  }
}

void Dispatcher::attach(conn::ConnectionTable& table, hub::Hub& hub) {
  table_ = &table;
  hub_ = &hub;
}

// ---- Requests ----------------------------------------------------------------------------------

/// Answers 503 where there are too many connections, in all or of this client.
bool Dispatcher::has_room(conn::Connection& connection, const http::Request& request) {
  if (table_->over_limit()) {
    if (first(Notice::connections))
      log::warn("connections: as many as there may be; {} is refused",
                connection.state.client.text());
    answer_text(connection, request, 503, "too many connections", kRetryAfter);
    return false;
  }
  if (table_->crowded(connection)) {
    tell_crowded(connection.state.client);
    answer_text(connection, request, 503, "too many connections from your address", kRetryAfter);
    return false;
  }
  return true;
}

void Dispatcher::on_request(conn::Connection& connection, const http::Request& request) {
  if (!has_room(connection, request)) return;
  // RFC 9110 section 7.4: an https URL, for one, is not answered where nothing was encrypted.
  if (!request.scheme.empty() &&
      !ascii::equal_ignoring_case(request.scheme, scheme_of(connection))) {
    answer_text(connection, request, 421, "the URL has another scheme than the connection");
    return;
  }
  if (request.path == "*") {
    answer_options(connection, request);
    return;
  }
  const RouteMatch match =
      site_.router().match(connection.state.listener, request.host, request.path, path_scratch_);
  switch (match.outcome) {
    case RouteMatch::Outcome::malformed:
      answer_text(connection, request, 400, "the path is malformed");
      break;
    case RouteMatch::Outcome::no_route:
      answer_text(connection, request, 404, "no route answers this path");
      break;
    case RouteMatch::Outcome::found: {
      const Route& route = site_.route(match.route);
      auto& tokens = tokens_[match.route];
      if (!tokens || may_enter(connection, request, route, *tokens))
        answer(connection, request, route, match.captures());
      break;
    }
  }
}

/// Before anything else about a route is told: 401 (RFC 6750 section 3) without a token it knows.
bool Dispatcher::may_enter(conn::Connection& connection, const http::Request& request,
                           const Route& route, TokenView& tokens) {
  const Access access = tokens.get().check(request);
  if (access == Access::granted) return true;
  const bool wrong = access == Access::wrong_token;
  if (first(Notice::auth))
    log::warn("auth: {} on route {} showed {}: refused, 401", connection.state.client.text(),
              route.config->name, wrong ? "a token that is not known" : "no token");
  answer_text(connection, request, 401, wrong ? "the token is not valid" : "a token is needed",
              wrong ? kWrongToken : kNoToken);
  return false;
}

void Dispatcher::answer(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures) {
  if (route.config->type == config::RouteType::health) {
    answer_health(connection, request);
    return;
  }
  if (draining_) {
    answer_text(connection, request, 503, "this server is going down", kRetryAfter);
    return;
  }
  if (const auto missing = not_served(*route.config); !missing.empty()) {
    answer_text(connection, request, 501, missing);
    return;
  }
  if (route.config->type == config::RouteType::files)
    answer_files(connection, request, route, captures);
  else
    answer_websocket(connection, request, route, captures);
}

void Dispatcher::answer_text(conn::Connection& connection, const http::Request& request, int status,
                             std::string_view text, std::span<const http::Header> headers) {
  Block* block = table_->memory().blocks.take(kResponseRoom);
  const bool keep_alive = keeps_alive(request) && status != 503 && !draining_;
  const std::size_t size = http::write_text_response({block->data(), kResponseRoom},
                                                     {.status = status,
                                                      .text = text,
                                                      .headers = headers,
                                                      .now = ::time(nullptr),
                                                      .minor_version = request.minor_version,
                                                      .keep_alive = keep_alive,
                                                      .head_only = request.method == "HEAD"});
  table_->respond(connection, block, size, keep_alive);
}

/// RFC 9110 section 9.3.7: OPTIONS * asks about the server as a whole.
void Dispatcher::answer_options(conn::Connection& connection, const http::Request& request) {
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = keeps_alive(request) && !draining_;
  writer.status_line(204);
  writer.date(::time(nullptr));
  writer.header("Allow", kMethods);
  writer.connection(keep_alive, request.minor_version);
  writer.end();
  table_->respond(connection, block, writer.size(), keep_alive);
}

void Dispatcher::answer_health(conn::Connection& connection, const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    answer_text(connection, request, 405, "only GET and HEAD", kAllowRead);
    return;
  }
  const std::string_view body = draining_ ? R"({"status":"draining"})" : R"({"status":"ok"})";
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = keeps_alive(request) && !draining_;
  writer.status_line(draining_ ? 503 : 200);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, request.minor_version);
  writer.header("Content-Type", "application/json");
  writer.header("Cache-Control", "no-store");
  writer.header("Content-Length", body.size());
  writer.end();
  if (request.method == "GET") writer.body(body);
  table_->respond(connection, block, writer.size(), keep_alive);
}

void Dispatcher::answer_websocket(conn::Connection& connection, const http::Request& request,
                                  const Route& route, Captures captures) {
  const auto upgrade = ws::check_upgrade(request);
  if (!upgrade) {
    const ws::Rejection& rejection = upgrade.error();
    answer_text(connection, request, rejection.status, rejection.reason, rejection.headers);
    return;
  }
  const std::string_view origin = request.header("Origin").value_or("");
  if (!origin_allowed(origin, scheme_of(connection), request.host, route.config->origins)) {
    answer_text(connection, request, 403, "this origin may not use the route");
    return;
  }
  const bool pubsub = route.config->type == config::RouteType::pubsub;
  if (pubsub && !select(connection, request, route, captures)) return;
  const auto subprotocol = ws::choose_subprotocol(request, route.config->subprotocols);
  if (!subprotocol) {
    answer_text(connection, request, subprotocol.error().status, subprotocol.error().reason);
    return;
  }
  const auto deflate = ws::answer_deflate_offers(request, route.deflate);
  if (!deflate) {
    answer_text(connection, request, deflate.error().status, deflate.error().reason);
    return;
  }
  connection.set_deflate(deflate->agreement);
  const std::size_t room = kResponseRoom + subprotocol->size();
  Block* block = table_->memory().blocks.take(room);
  const std::size_t size =
      ws::write_accept({block->data(), room}, *upgrade, *subprotocol, deflate->text.view());
  table_->upgrade(connection, route, block, size);
  if (pubsub) enter_topics(connection, route);
  open_when_ready(connection);
  log::debug("route {}: WebSocket {} opened", route.config->name, connection.id().index);
}

void Dispatcher::answer_files(conn::Connection& connection, const http::Request& request,
                              const Route& route, Captures captures) {
  // The router has decoded the path once already, so it can be decoded.
  const std::string_view path =
      route.ends_in_rest ? captures.back()
                         : http::decode_path(request.path.substr(1), path_scratch_).value_or("");
  auto file = route.files->open(path);
  if (!file) {
    switch (file.error()) {
      case Miss::not_found:
        answer_text(connection, request, 404, "no such file");
        return;
      case Miss::directory:
        redirect_to_folder(connection, request);
        return;
      case Miss::unavailable:
        answer_text(connection, request, 503, "the file cannot be opened now", kRetryAfter);
        return;
    }
  }
  FileAnswer answer = plan(request, *file);
  if (!keeps_alive(request)) answer.keep_alive = false;
  Block* block = table_->memory().blocks.take(kResponseRoom);
  const std::size_t size =
      write_file_head({block->data(), kResponseRoom}, request, *file, answer, ::time(nullptr));
  table_->respond_file(connection, block, size, answer.keep_alive,
                       {.file = std::move(file->fd),
                        .offset = answer.offset,
                        .left = answer.body_follows() ? answer.length : 0});
}

void Dispatcher::redirect_to_folder(conn::Connection& connection, const http::Request& request) {
  std::string location(request.path);
  location += '/';
  if (!request.query.empty()) location.append("?").append(request.query);
  if (location.size() > kResponseRoom / 2) {
    answer_text(connection, request, 414, "the path is too long");
    return;
  }
  const std::array<http::Header, 1> headers{{{"Location", location}}};
  answer_text(connection, request, 301, "the folder is at the path with a slash", headers);
}

// ---- Topics ------------------------------------------------------------------------------------

/// Finds out what a request to a pubsub route is for. False: it is refused, and answered.
bool Dispatcher::select(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures) {
  const auto refuse = [&](const TopicRefusal& refusal) {
    answer_text(connection, request, refusal.status, refusal.reason);
    return false;
  };
  auto selected = select_topics(*route.config, route.topics, captures, request.query);
  if (!selected) return refuse(selected.error());
  if (std::ranges::any_of(*selected, &SelectedTopic::is_pattern))
    return refuse({501, "subscribing to patterns is not served here"});
  topics_ = std::move(*selected);
  publish_to_.reset();
  if (!route.publish_to) return true;
  auto name = name_topic(*route.publish_to, captures);
  if (!name) return refuse(name.error());
  publish_to_ = std::move(*name);
  return true;
}

/// Enters what select() found, the topic that messages go to last: it heads the list then.
void Dispatcher::enter_topics(conn::Connection& connection, const Route& route) {
  bool hears_itself = false;
  for (const SelectedTopic& topic : topics_) {
    if (topic.text == publish_to_)
      hears_itself = true;
    else
      hub_->subscribe(connection.topics, topic.text, connection, route.outbox);
  }
  if (hears_itself)
    hub_->subscribe(connection.topics, *publish_to_, connection, route.outbox);
  else if (publish_to_)
    hub_->open(connection.topics, *publish_to_, connection);
}

void Dispatcher::open_when_ready(conn::Connection& connection) {
  for (const hub::TopicUse* use = connection.topics; use; use = use->next)
    if (!use->ready) return;
  table_->topics_ready(connection);
}

void Dispatcher::on_topic_ready(hub::TopicUse& use) {
  open_when_ready(static_cast<conn::Connection&>(*use.outbox));
}

void Dispatcher::on_gap(hub::TopicUse&) {}
void Dispatcher::on_event(hub::TopicUse&) {}
void Dispatcher::on_posted(hub::Ticket, hub::MessageId, std::uint32_t) {}

void Dispatcher::on_room(conn::Connection& connection) {
  hub_->on_room(connection.topics);
}

// ---- Messages ----------------------------------------------------------------------------------

void Dispatcher::on_message(conn::Connection& connection, const ws::Event& message) {
  const Route& route = route_of(connection);
  if (route.config->type == config::RouteType::echo) {
    table_->echo(connection, message);
    return;
  }
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

void Dispatcher::publish(conn::Connection& connection, const Route& route,
                         const ws::Event& message) {
  hub::Memory& memory = table_->memory();
  hub::Message* published =
      message.block ? memory.make_message(message.opcode, message.payload, message.block)
                    : memory.make_message(message.opcode, message.payload);
  hub::Sender sender;
  if (!route.config->include_sender) sender = {.shard = hub_->self(), .outbox = connection.id()};
  hub_->publish(*connection.topics, published, sender);
  if (hub_->congested()) table_->stall_publisher(connection);
}

void Dispatcher::on_refused(io::IpNetwork client) {
  tell_crowded(client);
}

void Dispatcher::tell_crowded(io::IpNetwork client) {
  if (first(Notice::connections_per_ip))
    log::warn("connections_per_ip: {} has as many connections as it may; another one is refused",
              client.text());
}

void Dispatcher::on_ending(conn::Connection& connection) {
  const auto notice = notice_of(connection.state.ending);
  if (!notice || !first(*notice)) return;
  const std::string client = connection.state.client.text();
  if (connection.policy)
    log::warn("{}: {} on route {} {}", name(*notice), client, route_of(connection).config->name,
              deed(*notice));
  else
    log::warn("{}: {} {}", name(*notice), client, deed(*notice));
}

void Dispatcher::on_close(conn::Connection& connection) {
  hub_->leave(connection.topics);
  if (connection.dropped() > 0 && connection.state.ending != conn::Ending::slow_client &&
      first(Notice::slow_client))
    log::warn("slow_client: {} on route {} has missed {} messages, being slow",
              connection.state.client.text(), route_of(connection).config->name,
              connection.dropped());
  if (connection.policy)
    log::debug("route {}: WebSocket {} closed, code {}, by {}", route_of(connection).config->name,
               connection.id().index,
               connection.state.close_code == 0 ? 1006 : connection.state.close_code,
               connection.state.closed_by_peer ? "the client" : "us");
}

}  // namespace peal::server
