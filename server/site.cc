// SPDX-License-Identifier: Apache-2.0
#include "server/site.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "server/websocket.h"

namespace peal::server {
namespace {

hub::SlowClient slow_client_of(config::SlowClient slow_client) {
  switch (slow_client) {
    case config::SlowClient::disconnect:
      return hub::SlowClient::disconnect;
    case config::SlowClient::drop:
      return hub::SlowClient::drop;
    case config::SlowClient::latest:
      return hub::SlowClient::latest;
  }
  return hub::SlowClient::disconnect;
}

conn::RoutePolicy policy_of(const config::Route& route, const config::Compression& compression) {
  const config::RouteLimits& limits = route.limits;
  return {
      .outbox = {.queue_size = static_cast<std::uint32_t>(limits.queue_size),
                 .slow_client = slow_client_of(limits.slow_client)},
      .deflate = {.enabled = route.compression, .context_takeover = compression.context_takeover},
      .message_size = limits.message_size,
      .message_fragments = limits.message_fragments,
      .message_rate = Rate(limits.message_rate),
      .ping_interval = limits.ping_interval,
      .pong_timeout = limits.pong_timeout,
      .idle_timeout = limits.idle_timeout,
      .echo = route.type == config::RouteType::echo};
}

/// Error: the key, what it has, and why that cannot be used.
std::expected<Route, std::string> make_route(const config::Route& config,
                                             const config::Compression& compression) {
  Route route;
  static_cast<conn::RoutePolicy&>(route) = policy_of(config, compression);
  route.config = &config;
  const auto path = config::parse_path_pattern(config.path);
  PEAL_CHECK(path);  // load() has checked it, and the templates
  route.ends_in_rest = path->segments.back().kind == config::Segment::Kind::rest;
  route.subprotocols = subprotocols_of(config);
  for (const std::string& topic : config.topics)
    route.topics.push_back(config::parse_topic_template(topic, *path).value());
  if (config.type == config::RouteType::pubsub && config.publish == config::PublishPolicy::anyone)
    route.publish_to = config::parse_topic_template(config.publish_to, *path).value();
  if (config.type == config::RouteType::files) {
    auto files = StaticFiles::open_root(config.root, config.index);
    if (!files) return std::unexpected("root: " + config.root + ": " + files.error().text());
    route.files = std::move(*files);
  }
  if (config.auth) {
    auto tokens = TokenSet::read(config.auth->bearer_file);
    if (!tokens)  // load() could read it a moment ago
      return std::unexpected("auth.bearer_file: " + config.auth->bearer_file + ": " +
                             tokens.error());
    route.tokens = std::make_unique<TokenStore>(std::move(*tokens));
  }
  return route;
}

}  // namespace

std::expected<Site, std::string> Site::make(const config::Config& config, Labels& labels) {
  Site site(config);
  site.topic_classes_.number(labels.topic_classes);
  for (const config::Route& route : config.routes) {
    auto made = make_route(route, config.compression);
    if (!made) return std::unexpected("route." + route.name + '.' + made.error());
    made->outbox.number = labels.routes.number(route.name);
    site.routes_.push_back(std::move(*made));
  }
  return site;
}

const Route* Site::find(std::string_view name) const {
  const auto found = std::ranges::find(
      routes_, name, [](const Route& route) -> std::string_view { return route.config->name; });
  return found == routes_.end() ? nullptr : &*found;
}

}  // namespace peal::server
