// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/path_pattern.h"
#include "core/conn/connection.h"
#include "server/auth.h"
#include "server/labels.h"
#include "server/router.h"
#include "server/static_files.h"
#include "server/topic_classes.h"

namespace peal::server {

/// A route made ready: what its connections need, looked up once. Connection::policy points at it.
struct Route : conn::RoutePolicy {
  const config::Route* config = nullptr;
  std::vector<config::TopicTemplate> topics;        ///< pubsub, publish: see select_topics()
  std::optional<config::TopicTemplate> publish_to;  ///< pubsub: where messages go, if anywhere
  std::vector<std::string> subprotocols;            ///< ours, in order of preference
  std::optional<StaticFiles> files;                 ///< files
  std::unique_ptr<TokenStore> tokens;               ///< null: everyone may use it
  bool ends_in_rest = false;                        ///< the path ends in {rest...}
};

/// Everything that answers requests. Owner: the server, with the Config it is made of, as long as
/// connections refer to it; immutable but for tokens, read by every shard.
class Site {
 public:
  /// Opens the roots of files routes and reads the tokens of those that ask for one; numbers what
  /// has a name. Requires: `config` as made by config::load().
  /// Error: a sentence for the operator, with the key.
  static std::expected<Site, std::string> make(const config::Config& config, Labels& labels);

  const config::Config& config() const { return *config_; }
  const Router& router() const { return router_; }
  const Route& route(std::size_t index) const { return routes_[index]; }
  std::span<const Route> routes() const { return routes_; }
  /// The route of that name; null when there is none.
  const Route* find(std::string_view name) const;
  /// Whether `route` is one of these, and not of another site.
  bool has(const Route& route) const {
    const std::less_equal<const Route*> before;
    return !routes_.empty() && before(&routes_.front(), &route) && before(&route, &routes_.back());
  }
  const TopicClasses& topic_classes() const { return topic_classes_; }

 private:
  explicit Site(const config::Config& config)
      : config_(&config), router_(config), topic_classes_(config) {}

  const config::Config* config_;
  Router router_;
  TopicClasses topic_classes_;
  std::vector<Route> routes_;
};

}  // namespace peal::server
