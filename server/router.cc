// SPDX-License-Identifier: Apache-2.0
#include "server/router.h"

#include <optional>

#include "core/base/ascii.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/http/target.h"

namespace peal::server {
namespace {

constexpr std::size_t kMaxHost = 253;  // characters of a host name, RFC 1035 section 2.3.4

using Segment = config::Segment;

/// Takes the first "/segment" off a path that is not empty.
std::string_view take_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/', 1), path.size());
  const std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    const std::string_view segment = take_segment(path);
    if (segment == "." || segment == "..") return true;
  }
  return false;
}

/// The path with nothing left to decode; nullopt when it is malformed.
std::optional<std::string_view> decode(std::string_view path, std::span<char> scratch) {
  PEAL_CHECK(scratch.size() >= path.size());
  if (!path.starts_with('/')) return std::nullopt;
  const auto decoded = http::decode_path(path, scratch);
  if (!decoded || has_dot_segment(*decoded) || !is_utf8(as_bytes(*decoded))) return std::nullopt;
  return decoded;
}

/// The host as it is looked up: in lower case, without port and final dot. Empty when there is
/// none that a route could name.
std::string_view host_name(std::string_view host, std::array<char, kMaxHost>& out) {
  const auto authority = http::parse_authority(host);
  if (!authority) return {};
  std::string_view name = authority->host;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > out.size()) return {};
  for (std::size_t i = 0; i < name.size(); ++i) out[i] = ascii::lower(name[i]);
  return {out.data(), name.size()};
}

}  // namespace

Router::Router(const config::Config& config) {
  for (const config::Listen& listen : config.listen) {
    Listener& listener = listeners_.emplace_back();
    for (std::uint32_t i = 0; i < config.routes.size(); ++i) {
      const config::Route& route = config.routes[i];
      if (!config::answers_on(route, listen)) continue;
      const auto path = config::parse_path_pattern(route.path);
      PEAL_CHECK(path);
      if (route.hosts.empty()) add(root(listener, {}), *path, i);
      for (const std::string& host : route.hosts) add(root(listener, host), *path, i);
    }
  }
}

std::uint32_t Router::add_node() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

/// `host`: as a route has it; empty for every host.
std::uint32_t Router::root(Listener& listener, std::string_view host) {
  const bool wildcard = host.starts_with("*.");
  std::uint32_t& root = host.empty()
                            ? listener.any
                            : (wildcard ? listener.suffix : listener.exact)
                                  .try_emplace(std::string(host.substr(wildcard ? 2 : 0)), kNone)
                                  .first->second;
  if (root == kNone) root = add_node();
  return root;
}

void Router::add(std::uint32_t root, const config::PathPattern& path, std::uint32_t route) {
  std::uint32_t at = root;
  for (const Segment& segment : path.segments) {
    if (segment.kind == Segment::Kind::rest) {
      nodes_[at].rest = route;
      return;
    }
    const bool literal = segment.kind == Segment::Kind::literal;
    std::uint32_t next = nodes_[at].param;
    if (literal) {
      const auto found = nodes_[at].literals.find(segment.text);
      next = found == nodes_[at].literals.end() ? kNone : found->second;
    }
    if (next == kNone) {
      next = add_node();
      if (literal)
        nodes_[at].literals.emplace(segment.text, next);
      else
        nodes_[at].param = next;
    }
    at = next;
  }
  nodes_[at].route = route;
}

RouteMatch Router::match(std::size_t listener, std::string_view host, std::string_view path,
                         std::span<char> scratch) const {
  RouteMatch match;
  visit_matches(listener, host, path, scratch, match, [] { return true; });
  return match;
}

std::vector<RouteMatch> Router::match_all(std::size_t listener, std::string_view host,
                                          std::string_view path, std::span<char> scratch) const {
  RouteMatch match;
  std::vector<RouteMatch> all;
  visit_matches(listener, host, path, scratch, match, [&] {
    all.push_back(match);
    return false;
  });
  return all;
}

/// Calls `visit` with `match` set to each route that could answer, most specific first, until it
/// returns true.
template <class Visit>
void Router::visit_matches(std::size_t listener, std::string_view host, std::string_view path,
                           std::span<char> scratch, RouteMatch& match, Visit&& visit) const {
  const auto decoded = decode(path, scratch);
  if (!decoded) {
    match.outcome = RouteMatch::Outcome::malformed;
    return;
  }
  const Listener& sites = listeners_[listener];
  std::array<char, kMaxHost> buffer;
  std::string_view name = host_name(host, buffer);
  const auto serves = [&](const Index& index) {
    const auto found = index.find(name);
    return found != index.end() && walk(found->second, *decoded, match, visit);
  };
  if (serves(sites.exact)) return;
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    name.remove_prefix(dot + 1);
    if (serves(sites.suffix)) return;
  }
  if (sites.any != kNone) walk(sites.any, *decoded, match, visit);
}

/// Tries what `node` offers for the rest of the path, most specific first. True: `visit` had
/// enough. As deep as the longest path of a route, so kMaxSegments at most.
template <class Visit>
bool Router::walk(std::uint32_t node, std::string_view path, RouteMatch& match,
                  Visit& visit) const {
  const Node& here = nodes_[node];
  const auto report = [&](std::uint32_t route) {
    if (route == kNone) return false;
    match.outcome = RouteMatch::Outcome::found;
    match.route = route;
    return visit();
  };
  if (path.empty()) return report(here.route);
  const std::string_view all = path.substr(1);
  const std::string_view segment = take_segment(path);
  if (const auto literal = here.literals.find(segment); literal != here.literals.end())
    if (walk(literal->second, path, match, visit)) return true;
  if (here.param != kNone && !segment.empty()) {
    match.capture_values[match.capture_count++] = segment;
    if (walk(here.param, path, match, visit)) return true;
    --match.capture_count;
  }
  if (here.rest == kNone) return false;
  match.capture_values[match.capture_count++] = all;
  if (report(here.rest)) return true;
  --match.capture_count;
  return false;
}

void expand(const config::TopicTemplate& topic, std::span<const std::string_view> captures,
            std::string& out) {
  out.clear();
  for (const auto& piece : topic.pieces)
    out += piece.capture ? captures[*piece.capture] : std::string_view(piece.literal);
}

}  // namespace peal::server
