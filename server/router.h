// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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

  /// `listener`: index into Config::listen. `host`: as in the request, port and case ignored.
  /// `path`: the request target up to "?", still encoded. `scratch`: at least path.size() octets.
  ///
  /// A path is malformed (400) when it does not begin with "/", has a bad percent encoding, an
  /// encoded "/" or control octet, is not UTF-8, or has a "." or ".." segment in any spelling. So
  /// a capture never holds a "/" that was not one in the path.
  RouteMatch match(std::size_t listener, std::string_view host, std::string_view path,
                   std::span<char> scratch) const;

  /// Every route that could have answered, most specific first. For explanations; allocates.
  std::vector<RouteMatch> match_all(std::size_t listener, std::string_view host,
                                    std::string_view path, std::span<char> scratch) const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct TextHash {
    using is_transparent = void;  // so that a look-up needs no std::string
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Index = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

  /// One segment of the paths that begin alike.
  struct Node {
    Index literals;               ///< segment to node
    std::uint32_t param = kNone;  ///< the node behind {param}
    std::uint32_t rest = kNone;   ///< the route that {rest...} leads to
    std::uint32_t route = kNone;  ///< the route whose path ends here
  };

  /// The first nodes of what one listener serves.
  struct Listener {
    Index exact;   ///< by host name, in lower case
    Index suffix;  ///< by what follows "*."
    std::uint32_t any = kNone;
  };

  std::uint32_t add_node();
  std::uint32_t root(Listener& listener, std::string_view host);
  void add(std::uint32_t root, const config::PathPattern& path, std::uint32_t route);

  template <class Visit>
  void visit_matches(std::size_t listener, std::string_view host, std::string_view path,
                     std::span<char> scratch, RouteMatch& match, Visit&& visit) const;
  template <class Visit>
  bool walk(std::uint32_t node, std::string_view path, RouteMatch& match, Visit& visit) const;

  std::vector<Node> nodes_;
  std::vector<Listener> listeners_;
};

/// Writes the topic that `topic` names for these captures into `out`, replacing what it held.
void expand(const config::TopicTemplate& topic, std::span<const std::string_view> captures,
            std::string& out);

}  // namespace peal::server
