// SPDX-License-Identifier: Apache-2.0
#include "server/dispatcher.h"

#include <ctime>

#include "core/http/accept.h"
#include "core/http/response.h"
#include "core/http/target.h"
#include "core/ws/handshake.h"
#include "server/cors.h"
#include "server/kept_request.h"
#include "server/log.h"
#include "server/real_client.h"
#include "server/websocket.h"

namespace peal::server {
namespace {

constexpr std::string_view kMethods =
    "GET, HEAD, POST, PUT, OPTIONS";  // that one route or another answers
constexpr std::array<http::Header, 1> kAllowRead{{{"Allow", "GET, HEAD"}}};

constexpr std::array<http::Header, 1> kNoToken{{{"WWW-Authenticate", R"(Bearer realm="peal")"}}};
constexpr std::array<http::Header, 1> kWrongToken{
    {{"WWW-Authenticate", R"(Bearer realm="peal", error="invalid_token")"}}};

constexpr std::string_view kPreflightAge = "7200";  // seconds, the most that browsers allow

}  // namespace

Dispatcher::Dispatcher(const Site& site, std::span<const conn::ListenerPolicy> listeners,
                       const conn::TableLimits& limits, Notices& notices)
    : listeners_(listeners),
      notices_(notices),
      pubsub_(answers_),
      publisher_(answers_, notices),
      metrics_(answers_),
      path_scratch_(limits.header_size) {
  set_site(site);
}

void Dispatcher::set_site(const Site& site) {
  site_ = &site;
  tokens_.clear();
  for (const Route& route : site.routes()) {
    auto& tokens = tokens_.emplace_back();
    if (route.tokens) tokens.emplace(*route.tokens);
  }
}

void Dispatcher::attach(conn::ConnectionTable& table, hub::Hub& hub, MetricsService* metrics) {
  table_ = &table;
  hub_ = &hub;
  accounts_.attach(table);
  answers_.attach(table, accounts_);
  pubsub_.attach(table, hub);
  publisher_.attach(table, hub);
  metrics_.attach(table, hub.self(), metrics);
}

void Dispatcher::log_access(const AccessLog& log) {
  access_log_ = log;
  table_->keep_traffic(log.is_on());
}

// ---- Requests ----------------------------------------------------------------------------------

/// Whom a trusted proxy has the request from. One that names nobody counts as itself.
void Dispatcher::find_client(conn::Connection& connection, const http::Request& request) {
  const conn::ListenerPolicy& policy = listener_policy(connection.state.listener);
  if (!policy.forwarded) return;
  http::read_forwarded(request, *policy.forwarded, hops_);
  const RealClient client = real_client(hops_, policy.forwarders);
  const bool https = client.scheme.empty() ? connection.secure != nullptr
                                           : ascii::equal_ignoring_case(client.scheme, "https");
  table_->answer_for(
      connection,
      client.address ? io::IpNetwork::of(*client.address) : table_->peer_of(connection).network(),
      https);
}

void Dispatcher::on_request(conn::Connection& connection, const http::Request& request) {
  if (connection.state.forwards) find_client(connection, request);
  accounts_.begin_request(connection);
  dispatch(connection, request);
  note_request(connection, request);
  answers_.end_request();
}

/// Counts who was let in to listen, and who was not.
void Dispatcher::note_request(conn::Connection& connection, const http::Request& request) {
  if (connection.policy) {
    const bool streams = connection.state.streams;
    accounts_.opened(connection, connection.policy->outbox.number,
                     streams ? config::Transport::sse : config::Transport::websocket);
    accounts_.count_handshake(HandshakeResult::accepted);
  } else if (accounts_.status() >= 400 &&
             (ws::wants_upgrade(request) ||
              http::acceptance(request, "text/event-stream").by_name)) {
    accounts_.count_handshake(handshake_result(accounts_.status()));
  }
}

void Dispatcher::dispatch(conn::Connection& connection, const http::Request& request) {
  const RouteMatch match = find_route(connection, request);
  if (const std::string_view why = crowd_at(connection); !why.empty()) {
    if (!is_for_operators(match)) return turn_away(connection, request, match, why);
    answers_.make_room();
  }
  // RFC 9110 section 7.4: an https URL, for one, is not answered where nothing was encrypted.
  if (!request.scheme.empty() &&
      !ascii::equal_ignoring_case(request.scheme, scheme_of(connection))) {
    answers_.text(connection, request, 421, "the URL has another scheme than the connection");
    return;
  }
  if (request.path == "*") {
    answer_options(connection, request);
    return;
  }
  switch (match.outcome) {
    case RouteMatch::Outcome::malformed:
      answers_.text(connection, request, 400, "the path is malformed");
      break;
    case RouteMatch::Outcome::no_route:
      answers_.text(connection, request, 404, "no route answers this path");
      break;
    case RouteMatch::Outcome::found:
      take_route(connection, request, match);
      break;
  }
}

/// None for "*", which is the server as a whole.
RouteMatch Dispatcher::find_route(const conn::Connection& connection,
                                  const http::Request& request) {
  if (request.path == "*") return {};
  return site_->router().match(connection.state.listener, request.host, request.path,
                               path_scratch_);
}

void Dispatcher::take_route(conn::Connection& connection, const http::Request& request,
                            const RouteMatch& match) {
  const Route& route = site_->route(match.route);
  accounts_.at_route(connection, route.outbox.number);
  const Page page = find_page(connection, request, *route.config);
  if (is_preflight(request) && takes_preflights(*route.config)) {
    answer_preflight(connection, request, route, page);
    return;
  }
  auto& tokens = tokens_[match.route];
  if (!tokens || may_enter(connection, request, route, *tokens))
    answer(connection, request, route, match.captures(), page);
}

/// Whose page asks, where those of other origins may: such a page is to see what it is answered.
Page Dispatcher::find_page(const conn::Connection& connection, const http::Request& request,
                           const config::Route& route) {
  if (!takes_preflights(route)) return Page::none;
  const std::string_view origin = request.header("Origin").value_or("");
  const Page page = judge_origin(origin, scheme_of(connection), request.host, route.origins);
  answers_.show_to({page, origin});
  return page;
}

std::unique_ptr<conn::Exchange> Dispatcher::make_exchange() {
  return std::make_unique<KeptRequest>();
}

void Dispatcher::on_body(conn::Connection& connection, MutableBytes body, Block* block) {
  publisher_.on_body(connection, body, block);
}

void Dispatcher::on_answer_due(conn::Connection& connection) {
  if (connection.topics)
    pubsub_.on_answer_due(connection);
  else if (!metrics_.on_answer_due(connection))
    publisher_.on_answer_due(connection);
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
  answers_.text(connection, request, 401, wrong ? "the token is not valid" : "a token is needed",
                wrong ? kWrongToken : kNoToken);
  return false;
}

void Dispatcher::answer(conn::Connection& connection, const http::Request& request,
                        const Route& route, Captures captures, Page page) {
  if (route.config->type == config::RouteType::health) {
    answer_health(connection, request);
    return;
  }
  if (route.config->type == config::RouteType::metrics) {
    metrics_.on_request(connection, request, route);
    return;
  }
  switch (route.config->type) {
    case config::RouteType::files:
      answer_files(connection, request, route, captures);
      break;
    case config::RouteType::pubsub:
      pubsub_.on_request(connection, request, route, captures, page);
      break;
    case config::RouteType::publish:
      publisher_.on_request(connection, request, route, captures, page);
      break;
    case config::RouteType::echo:
      answer_echo(connection, request, route);
      break;
    case config::RouteType::health:
    case config::RouteType::metrics:
      break;  // answered above
  }
}

/// RFC 9110 section 9.3.7: OPTIONS * asks about the server as a whole.
void Dispatcher::answer_options(conn::Connection& connection, const http::Request& request) {
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = answers_.keeps_alive(request);
  writer.status_line(204);
  writer.date(::time(nullptr));
  writer.header("Allow", kMethods);
  writer.connection(keep_alive, request.minor_version);
  writer.end();
  answers_.note(connection, 204);
  table_->respond(connection, block, writer.size(), keep_alive);
}

/// WHATWG Fetch, section 4.8. A preflight shows no token, whatever the request will show.
void Dispatcher::answer_preflight(conn::Connection& connection, const http::Request& request,
                                  const Route& route, Page page) {
  if (page == Page::foreign) {
    answers_.text(connection, request, 403, "this origin may not use the route");
    return;
  }
  const std::string_view origin = request.header("Origin").value_or("");
  const bool publishes = route.config->type == config::RouteType::publish;
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = answers_.keeps_alive(request);
  writer.status_line(204);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, request.minor_version);
  for (const http::Header& field : CorsFields(page, origin).fields())
    writer.header(field.name, field.value);
  writer.header("Access-Control-Allow-Methods", publishes ? "POST, PUT" : "GET, HEAD");
  writer.header("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
  writer.header("Access-Control-Max-Age", kPreflightAge);
  writer.end();
  answers_.note(connection, 204);
  table_->respond(connection, block, writer.size(), keep_alive);
}

void Dispatcher::answer_health(conn::Connection& connection, const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    answers_.text(connection, request, 405, "only GET and HEAD", kAllowRead);
    return;
  }
  const int status = answers_.drain_announced() ? 503 : 200;
  const std::string_view body = status == 200 ? R"({"status":"ok"})" : R"({"status":"draining"})";
  Block* block = table_->memory().blocks.take(kResponseRoom);
  http::ResponseWriter writer({block->data(), kResponseRoom});
  const bool keep_alive = answers_.keeps_alive(request);
  writer.status_line(status);
  writer.date(::time(nullptr));
  writer.connection(keep_alive, request.minor_version);
  writer.header("Content-Type", "application/json");
  writer.header("Cache-Control", "no-store");
  writer.header("Content-Length", body.size());
  writer.end();
  if (request.method == "GET") writer.body(body);
  answers_.note(connection, status);
  table_->respond(connection, block, writer.size(), keep_alive);
}

void Dispatcher::answer_echo(conn::Connection& connection, const http::Request& request,
                             const Route& route) {
  const std::string_view origin = request.header("Origin").value_or("");
  const Page page =
      judge_origin(origin, scheme_of(connection), request.host, route.config->origins);
  const auto upgrade = read_upgrade(answers_, connection, request, page);
  if (!upgrade) return;
  if (accept_websocket(*table_, answers_, connection, request, route, *upgrade,
                       route.config->subprotocols))
    table_->topics_ready(connection);
}

void Dispatcher::answer_files(conn::Connection& connection, const http::Request& request,
                              const Route& route, Captures captures) {
  // Before there is a look at the path: no redirection brings a POST to a folder.
  if (request.method != "GET" && request.method != "HEAD") {
    answers_.text(connection, request, 405, "files are read with GET and HEAD", kAllowRead);
    return;
  }
  // The router has decoded the path once already, so it can be decoded.
  const std::string_view path =
      route.ends_in_rest ? captures.back()
                         : http::decode_path(request.path.substr(1), path_scratch_).value_or("");
  auto file = route.files->open(path);
  if (!file) {
    switch (file.error()) {
      case Miss::not_found:
        answers_.text(connection, request, 404, "no such file");
        return;
      case Miss::directory:
        redirect_to_folder(connection, request);
        return;
      case Miss::unavailable:
        answers_.unavailable(connection, request, "the file cannot be opened now");
        return;
    }
  }
  FileAnswer answer = plan(request, *file);
  if (!answers_.keeps_alive(request)) answer.keep_alive = false;
  Block* block = table_->memory().blocks.take(kResponseRoom);
  const std::size_t size =
      write_file_head({block->data(), kResponseRoom}, request, *file, answer, ::time(nullptr));
  answers_.note(connection, answer.status);
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
    answers_.text(connection, request, 414, "the path is too long");
    return;
  }
  const std::array<http::Header, 1> headers{{{"Location", location}}};
  answers_.text(connection, request, 301, "the folder is at the path with a slash", headers);
}

// ---- Topics and messages -----------------------------------------------------------------------

void Dispatcher::on_message(conn::Connection& connection, const ws::Event& message) {
  accounts_.count_received(connection, connection.policy->outbox.number);
  pubsub_.on_message(connection, message);
}

void Dispatcher::on_echo(conn::Connection& connection, std::uint32_t messages) {
  accounts_.count_received(connection, connection.policy->outbox.number, messages);
  accounts_.count_echoed(connection, messages);
}

void Dispatcher::on_topics_due(conn::Connection& connection) {
  pubsub_.on_topics_due(connection);
}

void Dispatcher::on_room(conn::Connection& connection) {
  pubsub_.on_room(connection);
}

void Dispatcher::on_topic_ready(hub::TopicUse& use) {
  pubsub_.on_topic_ready(use);
}

void Dispatcher::on_gap(hub::TopicUse& use) {
  pubsub_.on_gap(use);
}

void Dispatcher::on_event(hub::TopicUse& use) {
  pubsub_.on_event(use);
}

void Dispatcher::on_posted(hub::Ticket ticket, hub::MessageId id, std::uint32_t subscribers) {
  conn::Connection* connection = table_->find(ticket.connection);
  if (connection && PealV1::is_spoken(*connection))
    pubsub_.on_posted(*connection, ticket, id, subscribers);
  else
    publisher_.on_posted(ticket, id, subscribers);
}

}  // namespace peal::server
