// SPDX-License-Identifier: Apache-2.0
#include "server/route_change.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>

#include "config/load.h"
#include "server/reload.h"

namespace peal::server::route_change_test {
namespace {

using config::Transport;

const std::string kListen =
    "[listen.a]\naddress = '127.0.0.1:1'\n[listen.b]\naddress = '127.0.0.1:2'\n";
const std::string kOther = "[route.other]\npath = '/other'\ntype = 'echo'\n";

std::shared_ptr<const Edition> edition(const std::string& routes) {
  auto loaded = config::load_text(kListen + kOther + routes, "p.toml");
  for (const config::Problem& problem : loaded.problems) FAIL_CHECK(problem.text());
  static Labels labels;
  return Edition::make(std::move(loaded.config.value()), labels).value();
}

/// What a connection uses.
class Uses {
 public:
  Uses(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      topics_.emplace_back(SlotId{}, name, config::has_wildcard(name));
      uses_.push_back({});
      hub::TopicUse& use = uses_.back();
      use.topic = &topics_.back();
      use.subscribes = true;
      use.next = first_;
      first_ = &use;
    }
  }
  const hub::TopicUse* first() const { return first_; }

 private:
  std::deque<hub::Topic> topics_;
  std::deque<hub::TopicUse> uses_;
  hub::TopicUse* first_ = nullptr;
};

/// Whether connections of the route "r" stay, by transport.
struct Stay {
  bool websocket;
  bool sse;
  bool poll;
  bool peal_v1;
  bool operator==(const Stay&) const = default;
};

Stay stay(const std::string& before, const std::string& now, const Uses& uses = {},
          std::size_t listener = 0) {
  const auto old = edition(before);
  const auto fresh = edition(now);
  const RouteChange change(*old->site->find("r"), *fresh->site);
  const auto keeps = [&](Transport transport, bool peal_v1) {
    return change.keeps(listener, transport, peal_v1, uses.first());
  };
  return {keeps(Transport::websocket, false), keeps(Transport::sse, false),
          keeps(Transport::poll, false), keeps(Transport::websocket, true)};
}

constexpr Stay kAll{true, true, true, true};
constexpr Stay kNone{false, false, false, false};

std::string pubsub(const std::string& topics, const std::string& more = "",
                   const std::string& path = "/r/{x}/{y...}") {
  return "[route.r]\ntype = 'pubsub'\npath = '" + path + "'\ntopics = [" + topics + "]\n" + more;
}

TEST_CASE("RouteChange: all stay on a route that is the same, or is for others to get into") {
  const std::string before = pubsub("'a', 'b'");
  CHECK(stay(before, before, {"a", "b"}) == kAll);
  CHECK(stay(before, pubsub("'a', 'b'", "origins = ['https://a.example']\nhosts = ['b']\n")) ==
        kAll);
  CHECK(stay(before, pubsub("'a', 'b'", "limits = { message_size = 1 }\nmax_topics = 1\n")) ==
        kAll);
  CHECK(stay(before, pubsub("'a', 'b'", "", "/elsewhere")) == kAll);
}

TEST_CASE("RouteChange: nobody stays without the route, or where it has become another") {
  const std::string before = pubsub("'a'");
  CHECK(stay(before, "") == kNone);
  CHECK(stay(before, "[route.r]\npath = '/r'\ntype = 'echo'\n") == kNone);
  CHECK(stay(before, pubsub("'a'", "select = 'query'\n")) == kNone);
}

TEST_CASE("RouteChange: only by the transports and listeners that there are") {
  const std::string before = pubsub("'a'");
  CHECK(stay(before, pubsub("'a'", "transports = ['sse']\n")) == Stay{false, true, false, false});
  const std::string elsewhere = pubsub("'a'", "listen = ['b']\n");
  CHECK(stay(before, elsewhere, {}, 0) == kNone);
  CHECK(stay(before, elsewhere, {}, 1) == kAll);
  CHECK(stay(before, before, {}, 2) == kNone);  // a listener that is gone
}

TEST_CASE("RouteChange: WebSockets do not publish to another topic than their path named") {
  const std::string none = pubsub("'a'");
  const std::string some = pubsub("'a'", "publish = 'anyone'\n");
  const std::string other = pubsub("'a'", "publish = 'anyone'\npublish_to = 'b'\n");
  constexpr Stay kListeners{false, true, true, false};
  CHECK(stay(none, some) == kListeners);
  CHECK(stay(some, other) == kListeners);
  CHECK(stay(some, none) == kAll);
  CHECK(stay(some, pubsub("'a'", "publish = 'ignore'\n")) == kAll);
}

TEST_CASE("RouteChange: who has topics that the route has not any more goes") {
  const std::string before = pubsub("'a/{x}', 'b'");
  CHECK(stay(before, pubsub("'b'"), {"a/1", "b"}) == kNone);
  CHECK(stay(before, pubsub("'b'"), {"b"}) == kAll);
  CHECK(stay(before, pubsub("'a/{x}', 'b', 'c'"), {"a/1", "b"}) == kAll);
  CHECK(stay(before, pubsub("'a/1', 'b'"), {"a/1", "b"}) == kAll);
  CHECK(stay(before, pubsub("'a/2', 'b'"), {"a/1", "b"}) == kNone);
  CHECK(stay(before, pubsub("'a/{y}', 'b'"), {"a/1/2", "b"}) == kAll);
  CHECK(stay(before, pubsub("'a/{x}', 'b'", "", "/r/{x}"), {"a/1/2", "b"}) == kAll);
  CHECK(stay(before, pubsub("'b', 'a/{x}'", "", "/r/{x}"), {"a/1/2", "b"}) == kNone);
}

TEST_CASE("RouteChange: with select = \"query\" patterns count, and peal.v1 chooses anew") {
  const std::string query = "select = 'query'\nwildcards = true\n";
  const std::string before = pubsub("'a/*', 'b/**'", query);
  const std::string fewer = pubsub("'b/**'", query);
  constexpr Stay kButPealV1{true, true, true, false};
  CHECK(stay(before, fewer, {"b/1", "b/*"}) == kButPealV1);
  CHECK(stay(before, fewer, {"a/1"}) == kNone);
  CHECK(stay(before, fewer, {"b/1", "a/*"}) == kNone);
  const std::string names = pubsub("'a/*', 'b/**'", "select = 'query'\n");
  CHECK(stay(before, names, {"b/1"}) == kAll);
  CHECK(stay(before, names, {"b/*"}) == kNone);
  CHECK(stay(names, before, {"b/1"}) == kAll);
}

config::Listen listener(std::string name, std::uint16_t port) {
  config::Listen listen;
  listen.name = std::move(name);
  listen.host = "::1";
  listen.port = port;
  return listen;
}

TEST_CASE("plan_doors: what has its address goes on, the rest is opened and closed") {
  using Listens = std::vector<config::Listen>;
  using Moves = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  using Indices = std::vector<std::uint32_t>;
  const config::Listen a = listener("a", 1);
  const config::Listen b = listener("b", 2);
  const config::Listen gone{};
  const auto plan = [](const Listens& before, const Listens& now) {
    return plan_doors(before, now);
  };
  CHECK(plan({a, b}, {a, b}).opened.empty());
  CHECK(plan({a, b}, {a, b}).closed.empty());
  CHECK(plan({a, b}, {gone, b}).closed == Indices{0});
  CHECK(plan({gone, b}, {gone, b, a}).opened == Indices{2});
  CHECK(plan({gone, b}, {gone, b, a}).closed.empty());
  config::Listen moved = a;
  moved.port = 3;
  CHECK(plan({a, b}, {moved, b}).opened == Indices{0});
  CHECK(plan({a, b}, {moved, b}).closed == Indices{0});
  const DoorPlan same_socket = plan({a, b}, {gone, b, a});
  CHECK(same_socket.moved == Moves{{0, 2}});
  CHECK(same_socket.opened.empty());
  CHECK(same_socket.closed.empty());
}

}  // namespace
}  // namespace peal::server::route_change_test
