// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/path_pattern.h"

namespace peal::server {

/// The answer to one look-up.
struct RouteMatch {
  enum class Outcome : std::uint8_t { found, no_route, malformed };
  Outcome outcome = Outcome::no_route;
  std::uint8_t capture_count = 0;
  std::uint32_t route = 0;  ///< index into Config::routes, when found
  std::array<std::string_view, config::kMaxCaptures> capture_values;

  /// Percent-decoded values in the order of PathPattern::captures(). Valid as long as the path and
  /// the scratch memory of the look-up.
  std::span<const std::string_view> captures() const {
    return {capture_values.data(), capture_count};
  }
};

/// Finds the route that answers a request. The most specific path wins: segment by segment from
/// the left, a literal before {param} before {rest...}. Hosts go first: an exact name before the
/// longest "*.suffix" before routes without hosts; a host without a matching path falls back to
/// the next.
///
/// Owner: the server; immutable, so any thread may look up. Errors: none. Limits: no allocation
/// per look-up, and the cost does not grow with the number of routes.
class Router {
 public:
  /// Requires: `config` as made by config::load(), so valid and free of ties.
  explicit Router(const config::Config& config);
  Router(Router&&) noexcept;
  ~Router();

  /// `listener`: index into Config::listen. `host`: as in the request, port and case ignored.
  /// `path`: the request target up to "?", still encoded. `scratch`: at least path.size() octets.
  ///
  /// A path is malformed (400) when it does not start with "/", has a bad or non-UTF-8 percent
  /// encoding, control octets or an encoded "/", or a "." or ".." segment in any spelling.
  RouteMatch match(std::size_t listener, std::string_view host, std::string_view path,
                   std::span<char> scratch) const;

  /// Every route that could have answered, most specific first. For explanations; allocates.
  std::vector<RouteMatch> match_all(std::size_t listener, std::string_view host,
                                    std::string_view path, std::span<char> scratch) const;

 private:
  struct Node;
  struct Site;
  struct Listener;
  std::vector<Listener> listeners_;
};

/// Writes the topic that `topic` names for these captures into `out`, replacing what it held.
void expand(const config::TopicTemplate& topic, std::span<const std::string_view> captures,
            std::string& out);

}  // namespace peal::server
