// SPDX-License-Identifier: Apache-2.0
#include "server/router.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>

namespace peal::server {
namespace {

using Outcome = RouteMatch::Outcome;
using Kind = config::Segment::Kind;

config::Route route(std::string path, std::vector<std::string> hosts = {}) {
  config::Route route;
  route.name = path;
  route.path = std::move(path);
  route.hosts = std::move(hosts);
  return route;
}

config::Config make_config(std::vector<config::Route> routes) {
  config::Config config;
  config.listen.push_back({"public", "127.0.0.1", 0, {}});
  config.routes = std::move(routes);
  return config;
}

/// A router with what the tests ask of it.
class Fixture {
 public:
  explicit Fixture(config::Config config) : config_(std::move(config)), router_(config_) {}

  /// The path of the route that answers; "404" or "400".
  std::string find(std::string_view path, std::string_view host = "localhost",
                   std::size_t listener = 0) {
    scratch_.assign(path.size(), '\0');
    match_ = router_.match(listener, host, path, scratch_);
    if (match_.outcome == Outcome::malformed) return "400";
    return match_.outcome == Outcome::found ? config_.routes[match_.route].path : "404";
  }

  /// The captures of the last find().
  std::vector<std::string> captures() const {
    return {match_.captures().begin(), match_.captures().end()};
  }

  std::vector<std::string> find_all(std::string_view path) {
    scratch_.assign(path.size(), '\0');
    std::vector<std::string> paths;
    for (const RouteMatch& match : router_.match_all(0, "localhost", path, scratch_))
      paths.push_back(config_.routes[match.route].path);
    return paths;
  }

 private:
  config::Config config_;
  Router router_;
  RouteMatch match_;
  std::string scratch_;
};

using Strings = std::vector<std::string>;

TEST_CASE("Router: the most specific path wins, whatever the order") {
  Strings paths{"/{path...}", "/{a}/b", "/a/{b}", "/a/b", "/a/{rest...}", "/{a}"};
  std::ranges::sort(paths);
  do {
    std::vector<config::Route> routes;
    for (const std::string& path : paths) routes.push_back(route(path));
    Fixture router(make_config(routes));
    CHECK(router.find("/a/b") == "/a/b");
    CHECK(router.find("/a/c") == "/a/{b}");
    CHECK(router.find("/x/b") == "/{a}/b");
    CHECK(router.find("/a/c/d") == "/a/{rest...}");
    CHECK(router.find("/a") == "/{a}");
    CHECK(router.find("/x/y") == "/{path...}");
  } while (std::ranges::next_permutation(paths).found);
}

TEST_CASE("Router: a more specific beginning that leads nowhere is gone back on") {
  Fixture router(make_config({route("/a/b/c"), route("/a/{x}/d"), route("/{y}/b/e")}));
  CHECK(router.find("/a/b/d") == "/a/{x}/d");
  CHECK(router.captures() == Strings{"b"});
  CHECK(router.find("/a/b/e") == "/{y}/b/e");
  CHECK(router.captures() == Strings{"a"});
  CHECK(router.find("/a/b/f") == "404");
}

TEST_CASE("Router: captures are decoded") {
  Fixture router(
      make_config({route("/chat/{room}"), route("/f/{a}/{rest...}"), route("/caf\u00e9")}));
  CHECK(router.find("/chat/a%20b%3f") == "/chat/{room}");
  CHECK(router.captures() == Strings{"a b?"});
  CHECK(router.find("/f/%C3%BC/x//y/") == "/f/{a}/{rest...}");
  CHECK(router.captures() == Strings{"\u00fc", "x//y/"});
  CHECK(router.find("/caf%c3%a9") == "/caf\u00e9");
  CHECK(router.find("/ch%61t/x") == "/chat/{room}");
}

TEST_CASE("Router: a param takes one segment that is not empty") {
  Fixture router(make_config({route("/chat/{room}")}));
  CHECK(router.find("/chat") == "404");
  CHECK(router.find("/chat/") == "404");
  CHECK(router.find("/chat//") == "404");
  CHECK(router.find("/chat/a/") == "404");
  CHECK(router.find("/chat/a/b") == "404");
}

TEST_CASE("Router: the rest may be empty behind its slash") {
  Fixture router(make_config({route("/{path...}"), route("/f/{rest...}")}));
  CHECK(router.find("/") == "/{path...}");
  CHECK(router.captures() == Strings{""});
  CHECK(router.find("/f") == "/{path...}");
  CHECK(router.find("/f/") == "/f/{rest...}");
  CHECK(router.captures() == Strings{""});
}

TEST_CASE("Router: the root is a path like any other") {
  Fixture router(make_config({route("/"), route("/{path...}")}));
  CHECK(router.find("/") == "/");
  CHECK(router.find("//") == "/{path...}");
}

TEST_CASE("Router: malformed paths, whatever route they would reach") {
  Fixture router(make_config({route("/{path...}"), route("/chat/{room}")}));
  for (const std::string_view path :
       {"",           "chat",         "*",          "/%",        "/%2",       "/%zz",
        "/chat/%2f",  "/chat/a%2Fb",  "/x/%2F",     "/chat/%00", "/chat/%0a", "/chat/%7f",
        "/chat/%ff",  "/chat/%c3",    "/%ed%a0%80", "/.",        "/..",       "/chat/.",
        "/chat/../x", "/chat/%2e%2E", "/x/.%2e/y",  "/x/%2e"})
    CHECK_MESSAGE(router.find(path) == "400", path);
  for (const std::string_view path : {"/...", "/.x", "/x.", "/chat/..a"})
    CHECK_MESSAGE(router.find(path) != "400", path);
}

TEST_CASE("Router: an exact host before the longest suffix before any") {
  Fixture router(make_config({route("/{any}"), route("/{exact}", {"a.example.com", "[::1]"}),
                              route("/{wide}", {"*.com"}), route("/{near}", {"*.example.com"}),
                              route("/only", {"a.example.com"})}));
  CHECK(router.find("/x", "a.example.com") == "/{exact}");
  CHECK(router.find("/x", "A.Example.COM.:8080") == "/{exact}");
  CHECK(router.find("/x", "[::1]:80") == "/{exact}");
  CHECK(router.find("/x", "b.example.com") == "/{near}");
  CHECK(router.find("/x", "c.b.example.com") == "/{near}");
  CHECK(router.find("/x", "example.com") == "/{wide}");
  CHECK(router.find("/x", "evilexample.com") == "/{wide}");
  CHECK(router.find("/x", "com") == "/{any}");
  for (const std::string_view host : {"", "[", "*.example.com:", "a b", "127.0.0.1"})
    CHECK(router.find("/x", host) != "404");
  CHECK(router.find("/x", std::string(1000, 'a')) == "/{any}");
  CHECK(router.find("/only", "b.example.com") == "/{near}");
}

TEST_CASE("Router: a host without that path falls back to the next") {
  Fixture router(make_config(
      {route("/health"), route("/a", {"x.y.z"}), route("/b", {"*.z"}), route("/c", {"*.y.z"})}));
  for (const char* path : {"/a", "/b", "/c", "/health"}) CHECK(router.find(path, "x.y.z") == path);
  CHECK(router.find("/c", "y.z") == "404");
}

TEST_CASE("Router: each listener has its own routes") {
  config::Config config = make_config({route("/both"), route("/first"), route("/second")});
  config.listen.push_back({"other", "127.0.0.1", 0, {"/both", "/second"}});
  config.routes[2].listen = {"other"};
  Fixture router(config);
  CHECK(router.find("/both", "h", 0) == "/both");
  CHECK(router.find("/first", "h", 0) == "/first");
  CHECK(router.find("/second", "h", 0) == "404");
  CHECK(router.find("/both", "h", 1) == "/both");
  CHECK(router.find("/first", "h", 1) == "404");
  CHECK(router.find("/second", "h", 1) == "/second");
}

TEST_CASE("Router: match_all has every candidate, most specific first") {
  Fixture router(make_config(
      {route("/{p...}"), route("/{a}/b"), route("/a/{b}"), route("/a/b"), route("/c")}));
  CHECK(router.find_all("/a/b") == Strings{"/a/b", "/a/{b}", "/{a}/b", "/{p...}"});
  CHECK(router.find_all("/..").empty());
}

TEST_CASE("expand: captures fill the holes of a topic") {
  const auto path = config::parse_path_pattern("/{user}/{room}");
  const auto topic = config::parse_topic_template("chat/{room}/{user}!", *path);
  const std::array<std::string_view, 2> captures{"ann", "lobby"};
  std::string out = "what was there";
  expand(*topic, captures, out);
  CHECK(out == "chat/lobby/ann!");
}

// The reference: every route is tried, and the matches are sorted by what the rule says.

struct Candidate {
  std::string specificity;  ///< one character for each segment, the more specific the smaller
  std::uint32_t route;
  Strings captures;
};

Strings split(std::string_view path) {
  Strings segments;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    segments.emplace_back(path.substr(1, end - 1));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<Candidate> match_one(const config::PathPattern& pattern, const Strings& segments) {
  Candidate candidate{};
  for (std::size_t i = 0; i < pattern.segments.size(); ++i) {
    const config::Segment& segment = pattern.segments[i];
    if (i >= segments.size()) return std::nullopt;
    candidate.specificity += static_cast<char>('0' + static_cast<int>(segment.kind));
    if (segment.kind == Kind::rest) {
      std::string rest = segments[i];
      for (std::size_t j = i + 1; j < segments.size(); ++j) rest += '/' + segments[j];
      candidate.captures.push_back(rest);
      return candidate;
    }
    if (segment.kind == Kind::literal && segment.text != segments[i]) return std::nullopt;
    if (segment.kind == Kind::param) {
      if (segments[i].empty()) return std::nullopt;
      candidate.captures.push_back(segments[i]);
    }
  }
  if (pattern.segments.size() != segments.size()) return std::nullopt;
  return candidate;
}

TEST_CASE("Router: the same answers as trying every route, for any routes and paths") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto pick = [&](std::initializer_list<const char*> from) {
    return std::string(from.begin()[random() % from.size()]);
  };
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<config::Route> routes;
    std::vector<config::PathPattern> patterns;
    Strings shapes;
    for (int i = 0; i < 12; ++i) {
      std::string path;
      for (std::size_t j = 0, n = 1 + random() % 4; j < n; ++j)
        path += '/' + pick({"a", "b", "{p}", "{p}", "{r...}"});
      // Names must differ within a path, and the rest must be last.
      for (std::size_t at = 0, n = 0; (at = path.find("{p", at)) != std::string::npos; ++at)
        path.insert(at + 2, std::to_string(n++));
      const auto pattern = config::parse_path_pattern(path);
      if (!pattern || std::ranges::find(shapes, pattern->shape()) != shapes.end()) continue;
      shapes.push_back(pattern->shape());
      patterns.push_back(*pattern);
      routes.push_back(route(path));
    }
    Fixture router(make_config(routes));
    for (int i = 0; i < 50; ++i) {
      std::string path;
      for (std::size_t j = 0, n = 1 + random() % 5; j < n; ++j)
        path += '/' + pick({"a", "b", "a", "b", "c", ""});
      std::vector<Candidate> candidates;
      for (std::uint32_t r = 0; r < patterns.size(); ++r)
        if (auto candidate = match_one(patterns[r], split(path))) {
          candidate->route = r;
          candidates.push_back(*candidate);
        }
      std::ranges::sort(candidates, {}, &Candidate::specificity);
      Strings expected;
      for (const Candidate& candidate : candidates)
        expected.push_back(routes[candidate.route].path);
      CAPTURE(path);
      CHECK(router.find_all(path) == expected);
      CHECK(router.find(path) == (expected.empty() ? "404" : expected.front()));
      if (expected.empty()) continue;
      CHECK(router.captures() == candidates.front().captures);
      ++found;
    }
  }
  CHECK(found > 1000);
}

}  // namespace
}  // namespace peal::server
