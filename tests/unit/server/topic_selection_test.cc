// SPDX-License-Identifier: Apache-2.0
#include "server/topic_selection.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace peal::server {
namespace {

using Strings = std::vector<std::string>;
using Captures = std::vector<std::string_view>;

/// A route of "/{a}/{b...}" and what it makes of requests.
struct SelectionFixture {
  config::Route route;
  std::vector<config::TopicTemplate> topics;

  explicit SelectionFixture(const Strings& patterns) {
    const auto path = config::parse_path_pattern("/{a}/{b...}");
    for (const std::string& text : patterns)
      topics.push_back(config::parse_topic_template(text, *path).value());
    route.select = config::TopicSelect::query;
  }

  /// The topics, "~" in front of patterns; or the refusal, as "403 why".
  std::string ask(std::string_view query, const Captures& captures = {"x", "y"}) const {
    const auto selected = select_topics(route, topics, captures, query);
    if (!selected) return std::to_string(selected.error().status) + ' ' + selected.error().reason;
    std::string out;
    for (const SelectedTopic& topic : *selected)
      out += (out.empty() ? "" : " ") + std::string(topic.is_pattern ? "~" : "") + topic.text;
    return out;
  }
};

TEST_CASE("select_topics: those of the route, each once") {
  SelectionFixture fixture({"chat/{a}", "files/{b}", "chat/x"});
  fixture.route.select = config::TopicSelect::route;
  CHECK(fixture.ask("topic=other") == "chat/x files/y");
  CHECK(fixture.ask("", {"z", "b/c"}) == "chat/z files/b/c chat/x");
}

TEST_CASE("select_topics: captures that make no name are refused, with the reason") {
  SelectionFixture fixture({"files/{b}", "chat/{a}"});
  fixture.route.select = config::TopicSelect::route;
  CHECK(fixture.ask("", {"x", ""}) == "400 the path makes no topic: it ends in \"/\"");
  CHECK(fixture.ask("", {"x", "a//b"}) == "400 the path makes no topic: it has an empty segment");
  CHECK(fixture.ask("", {"*", "y"}).starts_with("400 the path makes no topic: it has a segment"));
  CHECK(fixture.ask("", {std::string(256, 'a'), "y"}).ends_with("255 octets"));
  CHECK(fixture.ask("", {"a*b", "y"}) == "files/y chat/a*b");
}

TEST_CASE("select_topics: those of the query that the route allows, each once") {
  const SelectionFixture fixture({"prices/*", "news/{a}/**"});
  CHECK(fixture.ask("topic=prices/eur&x=1&topic=news/x&topic=prices%2feur") == "prices/eur news/x");
  CHECK(fixture.ask("topic=news/x/a+b/%C3%BC") == "news/x/a b/\xc3\xbc");
  CHECK(fixture.ask("topic=prices/eur&topic=news/z/a") ==
        "403 topic 2 of the query: this route does not have it");
  CHECK(fixture.ask("topic=prices/a/b").starts_with("403 "));
  CHECK(fixture.ask("").starts_with("400 no topic is asked for"));
  CHECK(fixture.ask("topics=prices/eur").starts_with("400 no topic is asked for"));
  CHECK(fixture.ask("topic=") == "400 topic 1 of the query: it is empty");
  CHECK(fixture.ask("topic=prices/%zz").starts_with("400 "));
  CHECK(fixture.ask("topic=prices/%ff") == "400 topic 1 of the query: it is not UTF-8");
  CHECK(fixture.ask("topic=prices/") == "400 topic 1 of the query: it ends in \"/\"");
}

TEST_CASE("select_topics: patterns only where they are allowed, and within what is") {
  SelectionFixture fixture({"prices/**", "news/{a}/*"});
  CHECK(fixture.ask("topic=prices/*") ==
        "403 topic 1 of the query: this route takes names of topics, not patterns");
  fixture.route.wildcards = true;
  CHECK(fixture.ask("topic=prices/*/x&topic=prices/**&topic=news/x/*&topic=prices/a") ==
        "~prices/*/x ~prices/** ~news/x/* prices/a");
  CHECK(fixture.ask("topic=news/x/**") ==
        "403 topic 1 of the query: this route does not have all that it stands for");
  CHECK(fixture.ask("topic=**").starts_with("403 "));
  CHECK(fixture.ask("topic=**/a") == "400 topic 1 of the query: \"**\" is not the last segment");
  CHECK(fixture.ask("topic=prices/a*").starts_with("prices/a*"));
}

TEST_CASE("select_topics: what a path brings is no wildcard") {
  SelectionFixture fixture({"news/{a}/*", "{a}{a}/x", "all/{b}"});
  fixture.route.wildcards = true;
  for (const Captures& captures : {Captures{"*", "y"}, Captures{"x", "*"}, Captures{"x", "**"},
                                   Captures{"x", "a/**"}, Captures{"**", "y"}})
    CHECK(fixture.ask("topic=news/x/a", captures).starts_with("400 the path makes no topic"));
  CHECK(fixture.ask("topic=all/a*b", {"x", "a*b"}) == "all/a*b");
}

TEST_CASE("select_topics: a connection has max_topics at most") {
  SelectionFixture fixture({"*"});
  fixture.route.max_topics = 2;
  CHECK(fixture.ask("topic=a&topic=b&topic=a") == "a b");
  CHECK(fixture.ask("topic=a&topic=b&topic=c") ==
        "400 topic 3 of the query: there may be 2 at most");
}

TEST_CASE("name_topic: a name, or the reason why it is none") {
  const auto path = config::parse_path_pattern("/{topic...}");
  const auto topic = config::parse_topic_template("{topic}", *path);
  const auto named = [&](std::string_view capture) { return name_topic(*topic, {&capture, 1}); };
  CHECK(named("a/b") == "a/b");
  CHECK(named("").error().status == 400);
  CHECK(named("").error().reason == "the path makes no topic: it is empty");
}

}  // namespace
}  // namespace peal::server
