// SPDX-License-Identifier: Apache-2.0
#include "server/explain.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "config/address.h"
#include "config/document.h"
#include "config/names.h"
#include "config/path_pattern.h"
#include "config/print.h"
#include "config/units.h"
#include "core/http/request.h"
#include "core/ws/handshake.h"
#include "server/auth.h"
#include "server/batch_topics.h"
#include "server/cors.h"
#include "server/explained_request.h"
#include "server/listening.h"
#include "server/long_poll.h"
#include "server/origin.h"
#include "server/publish_request.h"
#include "server/router.h"
#include "server/topic_classes.h"
#include "server/topic_selection.h"
#include "server/transport.h"
#include "server/websocket.h"

namespace peal::server {
namespace {

using config::in_quotes;
using Failure = std::unexpected<std::string>;

/// A text of "label  value" lines.
class Lines {
 public:
  void title(const std::string& text) { text_ += text + '\n'; }
  void line(std::string_view label, const std::string& value) {
    text_ += "  ";
    text_ += label;
    text_.append(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
    text_ += value + '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  static constexpr std::size_t kLabelWidth = 22;
  std::string text_;
};

/// What one listener makes of the request.
class Explanation {
 public:
  Explanation(const config::Config& config, const config::Provenance& provenance,
              const ExplainedRequest& parsed, const Router& router, const TopicClasses& classes,
              Lines& out)
      : config_(config),
        provenance_(provenance),
        parsed_(parsed),
        router_(router),
        classes_(classes),
        out_(out) {
    // Set here, not in read_request(): what it returns may have moved since.
    request_ = parsed.request;
    request_.headers = parsed.headers;
  }

  void run(std::size_t listener) {
    const config::Listen& listen = config_.listen[listener];
    out_.title("listen." + listen.name + ", " + config::address_text(listen) +
               (listen.tls ? ", TLS" : ""));
    std::string scratch(request_.path.size(), '\0');
    const auto match = router_.match(listener, request_.host, request_.path, scratch);
    if (match.outcome == RouteMatch::Outcome::malformed)
      return out_.line("answer",
                       "400: the path is malformed: bad or non-UTF-8 percent encoding, "
                       "an encoded \"/\" or control character, or a dot segment");
    if (match.outcome == RouteMatch::Outcome::no_route) return explain_no_route(listen);
    const config::Route& route = config_.routes[match.route];
    out_.line("route", describe(route));
    list_captures(route, match);
    list_others(listener);
    list_topics(route, match);
    out_.line("answer", answer(route, listen));
    list_settings(route);
  }

 private:
  static std::string describe(const config::Route& route) {
    std::string text = "route." + route.name + ", path " + in_quotes(route.path) + ", type " +
                       std::string(config::name(route.type));
    for (std::size_t i = 0; i < route.hosts.size(); ++i)
      text += (i == 0 ? ", only for host " : " or ") + route.hosts[i];
    return text;
  }

  void explain_no_route(const config::Listen& listen) {
    out_.line("answer", "404: no route has a path and a host that match");
    for (const config::Route& route : config_.routes)
      out_.line("passed over",
                describe(route) +
                    (config::answers_on(route, listen) ? "" : ", which does not answer here"));
  }

  void list_captures(const config::Route& route, const RouteMatch& match) {
    const auto path = config::parse_path_pattern(route.path);
    const auto names = path->captures();
    for (std::size_t i = 0; i < names.size(); ++i)
      out_.line("capture", std::string(names[i]) + " = " + in_quotes(match.captures()[i]));
  }

  void list_others(std::size_t listener) {
    std::string scratch(request_.path.size(), '\0');
    const auto all = router_.match_all(listener, request_.host, request_.path, scratch);
    std::set<std::uint32_t> told{all.front().route};
    const bool for_host = !config_.routes[all.front().route].hosts.empty();
    out_.line("why", all.size() == 1 ? "it is the only route that matches"
                     : for_host      ? "it is for this host, which goes before the path"
                                     : "it is the most specific of those that match");
    for (const RouteMatch& other : all)
      if (told.insert(other.route).second)
        out_.line("less specific", describe(config_.routes[other.route]));
  }

  void tell_topic(const SelectedTopic& topic) {
    out_.line(topic.is_pattern ? "pattern" : "topic", in_quotes(topic.text));
    if (!topic.is_pattern) out_.line("class", describe_class(classes_.of(topic.text)));
  }

  void refuse_topics(TopicRefusal refusal) { topic_refusal_ = std::move(refusal); }

  /// What a request to a pubsub or publish route is about.
  void list_topics(const config::Route& route, const RouteMatch& match) {
    const auto path = config::parse_path_pattern(route.path);
    std::vector<config::TopicTemplate> topics;
    for (const std::string& text : route.topics)
      topics.push_back(*config::parse_topic_template(text, *path));
    if (route.type == config::RouteType::pubsub) list_heard(route, topics, *path, match);
    if (route.type != config::RouteType::publish) return;
    if (publish_form(request_) == PublishForm::batch)
      return list_batch_topics(topics, *path, match);
    for (const config::TopicTemplate& topic : topics) {
      const auto name = name_topic(topic, match.captures());
      if (!name) return refuse_topics(name.error());
      tell_topic({*name});
    }
  }

  void list_batch_topics(std::span<const config::TopicTemplate> topics,
                         const config::PathPattern& path, const RouteMatch& match) {
    const bool rest = path.segments.back().kind == config::Segment::Kind::rest;
    for (const std::string& text : BatchTopics(topics, match.captures(), rest).describe())
      out_.line("topics", in_quotes(text));
  }

  void list_heard(const config::Route& route, std::span<const config::TopicTemplate> topics,
                  const config::PathPattern& path, const RouteMatch& match) {
    const std::size_t least = asks_for_peal_v1(request_) ? 0 : 1;
    const auto selected = select_topics(route, topics, match.captures(), request_.query, least);
    if (selected)
      for (const SelectedTopic& topic : *selected) tell_topic(topic);
    else
      refuse_topics(selected.error());
    if (selected) named_ = count_named(*selected);
    switch (route.publish) {
      case config::PublishPolicy::anyone: {
        const auto to = config::parse_topic_template(route.publish_to, path);
        const auto name = name_topic(*to, match.captures());
        if (!name) return refuse_topics(name.error());
        return out_.line("publishes to", in_quotes(*name) + ", class " + classes_.of(*name).name);
      }
      case config::PublishPolicy::ignore:
        return out_.line("publishes to", "nothing: what clients send is discarded");
      case config::PublishPolicy::never:
        return out_.line("publishes to", "nothing: a client that sends is closed, 1008");
    }
  }

  /// "chat, match "chat/**": the newest 100 messages of the last 10m, all are sent".
  std::string describe_class(const TopicClass& topic) const {
    std::string text = topic.name;
    const auto found = std::ranges::find(config_.topics, topic.name, &config::Topic::name);
    if (found == config_.topics.end()) return text + ": no class matches, so without history";
    text += ", match " + in_quotes(found->match) + ": ";
    if (topic.history_size == 0) {
      text += "no history";
    } else {
      text += "history of " + std::to_string(topic.history_size) + " messages";
      if (found->history->age.count() > 0)
        text += ", " + config::format_duration(found->history->age) + " at most";
    }
    if (found->rate > 0) text += "; the newest message, at " + config::format_rate(found->rate);
    return text;
  }

  static bool is_websocket(const config::Route& route) {
    return route.type == config::RouteType::echo || route.type == config::RouteType::pubsub;
  }

  /// Whether the client shows a token that lets it in.
  bool judge_token(const config::Route& route) {
    if (!route.auth) return true;
    const std::string file = in_quotes(route.auth->bearer_file);
    const auto tokens = TokenSet::read(route.auth->bearer_file);
    if (!tokens) {
      out_.line("token", file + ": " + tokens.error());
      return false;
    }
    switch (tokens->check(request_)) {
      case Access::granted:
        out_.line("token", "is one of those in " + file);
        return true;
      case Access::wrong_token:
        out_.line("token", "is none of those in " + file);
        return false;
      case Access::no_token:
        out_.line("token",
                  "none given (-H 'Authorization: Bearer TOKEN'), one in " + file + " is needed");
        return false;
    }
    return false;
  }

  /// Whether the page may connect.
  bool judge_origin(const config::Route& route, const config::Listen& listen) {
    const auto origin = request_.header("Origin").value_or("");
    if (origin.empty()) {
      out_.line("origin", "none given, so not a browser: passes");
      return true;
    }
    // What the listener speaks, unless it believes a proxy that says otherwise.
    const bool told = parsed_.secure && (listen.proxy.protocol != config::ProxyProtocol::none ||
                                         listen.forwarded.header != config::ForwardedHeader::none);
    const std::string_view scheme = listen.tls || told ? "https" : "http";
    const bool allowed = origin_allowed(origin, scheme, request_.host, route.origins);
    out_.line("origin", in_quotes(origin) +
                            (allowed ? " passes"
                                     : " is neither the request's own origin nor in \"origins\""));
    if (!allowed && parsed_.secure && !listen.tls)
      out_.line("", "peal itself speaks http here, so https pages must be in \"origins\"");
    return allowed;
  }

  std::string answer(const config::Route& route, const config::Listen& listen) {
    if (is_preflight(request_) && takes_preflights(route))
      return judge_origin(route, listen) ? "204: what a page may ask" : "403: the origin";
    const bool get = request_.method == "GET";
    if (!judge_token(route)) return "401: the token";
    if (route.type == config::RouteType::publish) return publish_answer(route, listen);
    if (!is_websocket(route))
      return get || request_.method == "HEAD" ? "an ordinary HTTP response"
                                              : "405: this type of route answers GET and HEAD";
    if (route.type == config::RouteType::pubsub && !parsed_.websocket)
      if (const auto text = listener_answer(route, listen)) return *text;
    if (!get) return "405: this type of route answers GET";
    if (!judge_origin(route, listen)) return "403: the origin";
    if (topic_refusal_) return text_of(*topic_refusal_);
    if (const auto refusal = refused_past(route, config::Transport::websocket))
      return text_of(*refusal);
    if (!parsed_.websocket) {
      if (!ws::wants_upgrade(request_))
        return "426: no WebSocket upgrade among the headers given (write the URL with ws: to "
               "have one taken as given)";
      if (const auto upgrade = ws::check_upgrade(request_); !upgrade)
        return std::to_string(upgrade.error().status) + ": " + std::string(upgrade.error().reason);
    }
    return "101: a WebSocket" + chosen_subprotocol(route);
  }

  /// Nullopt where nothing but a WebSocket is the answer.
  std::optional<std::string> listener_answer(const config::Route& route,
                                             const config::Listen& listen) {
    const auto transport = choose_transport(request_, route);
    if (transport && *transport == config::Transport::websocket) return std::nullopt;
    if (request_.method == "OPTIONS") return "204: what may be asked";
    if (request_.method != "GET" && request_.method != "HEAD")
      return "405: this route answers GET, HEAD and OPTIONS";
    if (!judge_origin(route, listen)) return "403: the origin";
    if (!transport) return text_of(transport.error());
    if (topic_refusal_) return text_of(*topic_refusal_);
    if (const auto refusal = refused_past(route, *transport)) return text_of(*refusal);
    return *transport == config::Transport::sse ? "200: an event stream"
                                                : "200 or 204: a long poll (write the URL with ws: "
                                                  "for a WebSocket)";
  }

  /// Why not from where the client was, or for as long as it would wait.
  std::optional<TopicRefusal> refused_past(const config::Route& route,
                                           config::Transport transport) const {
    if (route.type != config::RouteType::pubsub) return std::nullopt;
    const auto resume = transport == config::Transport::sse
                            ? read_stream_resume(request_, route, named_)
                            : read_resume(request_, route, named_);
    if (!resume) return resume.error();
    if (transport != config::Transport::poll) return std::nullopt;
    const auto wait = read_wait(request_.query);
    return wait ? std::nullopt : std::optional(wait.error());
  }

  static std::string text_of(const TopicRefusal& refusal) {
    return std::to_string(refusal.status) + ": " + refusal.reason;
  }

  std::string publish_answer(const config::Route& route, const config::Listen& listen) {
    if (request_.method != "POST" && request_.method != "PUT")
      return "405: this type of route answers POST and PUT";
    if (!judge_origin(route, listen)) return "403: the origin";
    const auto form = publish_form(request_);
    if (!form) return std::to_string(form.error().status) + ": " + std::string(form.error().reason);
    if (topic_refusal_) return text_of(*topic_refusal_);
    switch (*form) {
      case PublishForm::text:
        return "200: the body is published as text, if it is UTF-8";
      case PublishForm::binary:
        return "200: the body is published as binary";
      case PublishForm::batch:
        return "200: the lines of the body are published, if all are right";
    }
    return {};
  }

  std::string chosen_subprotocol(const config::Route& route) const {
    const std::vector<std::string> ours = subprotocols_of(route);
    const auto chosen = ws::choose_subprotocol(request_, ours);
    if (!chosen)
      return ", but its sub-protocols are refused: " + std::string(chosen.error().reason);
    if (chosen->empty()) return " without a sub-protocol";
    return " with sub-protocol " + in_quotes(*chosen);
  }

  /// Where a setting came from; what a route leaves open comes from elsewhere.
  /// `key`: seen from the route, "limits.message_size".
  std::string source(const config::Route& route, const std::string& key) const {
    const std::string own = "route." + route.name + '.' + key;
    if (provenance_.settings.contains(own)) return provenance_.of(own);
    if (key.starts_with("limits.")) return provenance_.of(key);
    if (key == "compression") return provenance_.of("compression.enabled");
    const bool first = key == "publish_to" && route.select == config::TopicSelect::route;
    return first ? "default: the first topic" : "default";
  }

  void list_settings(const config::Route& route) {
    const std::string own = "route." + route.name;
    out_.title("settings of " + own);
    for (const config::Setting& setting : config::settings(config_)) {
      const std::string whole = setting.table + '.' + setting.key;
      if (!whole.starts_with(own + '.')) continue;
      const std::string key = whole.substr(own.size() + 1);
      out_.line(key, setting.value + "   (" + source(route, key) + ")");
    }
  }

  const config::Config& config_;
  const config::Provenance& provenance_;
  const ExplainedRequest& parsed_;
  const Router& router_;
  const TopicClasses& classes_;
  Lines& out_;
  http::Request request_;
  std::optional<TopicRefusal> topic_refusal_;
  std::size_t named_ = 0;  // of the topics heard, those that are no patterns
};

/// The listeners that the URL's port names, or all of them when it names none.
std::vector<std::size_t> pick_listeners(const config::Config& config,
                                        const ExplainedRequest& parsed) {
  std::vector<std::size_t> picked;
  for (std::size_t i = 0; i < config.listen.size(); ++i)
    if (config.listen[i].port == parsed.port) picked.push_back(i);
  if (!picked.empty()) return picked;
  for (std::size_t i = 0; i < config.listen.size(); ++i) picked.push_back(i);
  return picked;
}

}  // namespace

std::expected<std::string, std::string> explain(const config::Config& config,
                                                const config::Provenance& provenance,
                                                const ExplainRequest& request) {
  const auto parsed = read_request(request);
  if (!parsed) return Failure(parsed.error());
  const auto listeners = pick_listeners(config, *parsed);
  const Router router(config);
  const TopicClasses classes(config);
  Lines out;
  out.title(request.method + ' ' + request.url);
  if (parsed->port && config.listen[listeners.front()].port != *parsed->port)
    out.title("no listener has port " + std::to_string(*parsed->port) + "; what each would do:");
  for (const std::size_t listener : listeners)
    Explanation(config, provenance, *parsed, router, classes, out).run(listener);
  return out.take();
}

}  // namespace peal::server
