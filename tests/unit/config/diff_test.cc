// SPDX-License-Identifier: Apache-2.0
#include "config/diff.h"

#include "tests/unit/config/loading.h"

namespace peal::config::diff_test {
namespace {

using Names = std::vector<std::string>;

Diff between(const std::string& before, const std::string& now) {
  const Config old = loaded(before);
  Config fresh = loaded(now);
  return diff(old, fresh);
}

Listen listener(std::string name, std::uint16_t port) {
  Listen listen;
  listen.name = std::move(name);
  listen.host = "::1";
  listen.port = port;
  return listen;
}

TEST_CASE("diff: two that are the same") {
  const Diff same = between(kSmallest, kSmallest + "# a comment\n[drain]\nover = \"30s\"\n");
  CHECK(same.empty());
  CHECK(same.kept.empty());
  CHECK(same.text() == "nothing has changed");
}

TEST_CASE("diff: tables that come and go are named as a whole") {
  const std::string chat =
      "[route.chat]\npath = '/chat'\ntype = 'pubsub'\ntopics = ['a']\n"
      "limits = { message_size = 1 }\n[topic.a]\nmatch = 'a'\nhistory = { size = 1 }\n";
  const std::string other = "[listen.b]\naddress = '127.0.0.1:1'\n";
  const Diff diff = between(kSmallest + chat, kSmallest + other);
  CHECK(diff.added == Names{"listen.b"});
  CHECK(diff.removed == Names{"route.chat", "topic.a"});
  CHECK(diff.changed.empty());
  CHECK(diff.text() == "added: listen.b; removed: route.chat, topic.a");
}

TEST_CASE("diff: settings that change, also by a default of another table") {
  const Diff diff =
      between(kSmallest, kSmallest + "[limits]\nmessage_size = 1000\n[log]\nlevel = 'warn'\n");
  CHECK(diff.changed ==
        Names{"limits.message_size", "log.level", "route.echo.limits.message_size"});
}

TEST_CASE("diff: a table within a table comes and goes") {
  const std::string topic = "[topic.a]\nmatch = 'a'\n";
  const Diff diff = between(kSmallest + topic, kSmallest + topic + "history = { size = 1 }\n");
  CHECK(diff.changed == Names{"topic.a.history"});  // it was "none"
  CHECK(diff.text() == "changed: topic.a.history");
  const std::string replay = "topics = ['a']\nreplay = { last = 1 }\n";
  const std::string chat = "[route.chat]\npath = '/chat'\ntype = 'pubsub'\n";
  CHECK(between(kSmallest + chat + replay + topic, kSmallest + chat + "topics = ['b']\n").text() ==
        "removed: topic.a; changed: route.chat.publish_to, route.chat.replay, route.chat.topics");
}

TEST_CASE("diff: what is gone already is not removed again") {
  Config before = loaded(kSmallest);
  Config now = before;
  keep_places({listener("a", 1)}, before);
  REQUIRE(is_gone(before.listen.front()));
  CHECK(diff(before, now).text() == "nothing has changed");
}

TEST_CASE("diff: what needs a restart stays as it was") {
  const Config before = loaded(kSmallest + "[server]\nthreads = 2\n");
  Config now = loaded(kSmallest + "[server]\nthreads = 4\nio = 'epoll'\n[log]\nlevel = 'warn'\n");
  const Diff found = diff(before, now);
  CHECK(found.kept == Names{"server.io: \"auto\" stays, \"epoll\" needs a restart",
                            "server.threads: 2 stays, 4 needs a restart"});
  CHECK(found.changed == Names{"log.level"});
  CHECK(now.server == before.server);
}

/// The names of the places.
Names placed(const std::vector<Listen>& before, std::vector<Listen> now) {
  Config config;
  config.listen = std::move(now);
  keep_places(before, config);
  Names names;
  for (const Listen& listen : config.listen) names.push_back(listen.name);
  return names;
}

TEST_CASE("keep_places: each keeps its own, whatever the order") {
  const std::vector before{listener("a", 1), listener("b", 2)};
  CHECK(placed(before, before) == Names{"a", "b"});
  CHECK(placed(before, {before[1], before[0]}) == Names{"a", "b"});
}

TEST_CASE("keep_places: those that are gone leave an empty place, new ones come behind") {
  const std::vector before{listener("a", 1), listener("b", 2)};
  CHECK(placed(before, {listener("c", 3), before[1]}) == Names{"", "b", "c"});
  const std::vector gone{listener("", 0), before[1]};
  CHECK(placed(gone, {before[0], before[1]}) == Names{"", "b", "a"});
}

TEST_CASE("keep_places: no route answers at an empty place") {
  Config config;
  config.listen = {listener("b", 2)};
  keep_places({listener("a", 1)}, config);
  REQUIRE(config.listen.size() == 2);
  CHECK(is_gone(config.listen[0]));
  Route route;
  route.name = "r";
  CHECK_FALSE(answers_on(route, config.listen[0]));
  CHECK(answers_on(route, config.listen[1]));
}

TEST_CASE("keep_places: an address is worth more than a name") {
  const std::vector before{listener("a", 1), listener("b", 2)};
  CHECK(placed(before, {listener("a", 2), listener("b", 1)}) == Names{"b", "a"});
  CHECK(placed(before, {listener("new", 1), before[1]}) == Names{"new", "b"});
  CHECK(placed(before, {listener("a", 3), before[1]}) == Names{"a", "b"});
  // Port 0 is a free one, and each time another.
  const std::vector free{listener("a", 0), listener("b", 0)};
  CHECK(placed(free, {free[1], free[0]}) == Names{"a", "b"});
}

TEST_CASE("keep_places: who came in without a certificate is not taken for one with") {
  Listen secure = listener("a", 1);
  secure.tls.emplace().certificates.emplace_back();
  Listen strict = secure;
  strict.tls->client_ca = "ca.crt";
  CHECK(placed({listener("a", 1)}, {secure}) == Names{"", "a"});
  CHECK(placed({secure}, {strict}) == Names{"", "a"});
  CHECK(placed({strict}, {secure}) == Names{"a"});
  Listen renewed = secure;
  renewed.tls->certificates.front() = {.cert = "new.crt", .key = "new.key"};
  CHECK(placed({secure}, {renewed}) == Names{"a"});
}

}  // namespace
}  // namespace peal::config::diff_test
