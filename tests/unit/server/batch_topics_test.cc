// SPDX-License-Identifier: Apache-2.0
#include "server/batch_topics.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/unit/server/topics.h"

namespace peal::server {
namespace {

using test::batch_topics;

TEST_CASE("BatchTopics: a path that names one topic leaves nothing open") {
  const auto topics = batch_topics("/publish/{topic...}", {"{topic}"}, {"chat/lobby"});
  CHECK(topics.only() == "chat/lobby");
  CHECK(topics.has("chat/lobby"));
  for (const std::string_view other : {"chat", "chat/lobby/2", "chat/lobb", "chat/lobbyx", "x"})
    CHECK_FALSE(topics.has(other));
}

TEST_CASE("BatchTopics: a {rest...} without an end stands for what begins so") {
  const auto any = batch_topics("/publish/{topic...}", {"{topic}"}, {""});
  CHECK_FALSE(any.only());
  CHECK(any.has("a"));
  CHECK(any.has("chat/lobby"));
  const auto beneath = batch_topics("/publish/{topic...}", {"{topic}"}, {"chat/"});
  CHECK_FALSE(beneath.only());
  CHECK(beneath.has("chat/lobby"));
  CHECK(beneath.has("chat/lobby/2"));
  CHECK(beneath.describe() == std::vector<std::string>{"chat/**"});
  CHECK_FALSE(beneath.has("chat"));
  CHECK_FALSE(beneath.has("news"));
  CHECK_FALSE(beneath.has("xchat/lobby"));
}

TEST_CASE("BatchTopics: a {param} that is \"*\" stands for one segment") {
  const auto room = batch_topics("/publish/{room}", {"chat/{room}"}, {"*"});
  CHECK_FALSE(room.only());
  CHECK(room.has("chat/lobby"));
  for (const std::string_view other : {"chat", "chat/lobby/2", "news/lobby", "chatter/lobby"})
    CHECK_FALSE(room.has(other));
  const auto part = batch_topics("/publish/{room}", {"room-{room}-live"}, {"*"});
  CHECK(part.has("room-1-live"));
  CHECK(part.has("room-a-live-b-live"));
  CHECK_FALSE(part.has("room--live"));
  CHECK_FALSE(part.has("room-a/b-live"));
  CHECK(batch_topics("/publish/{room}", {"chat/{room}"}, {"**"}).only() == "chat/**");
  CHECK(batch_topics("/publish/{rest...}", {"{rest}"}, {"*"}).only() == "*");
}

TEST_CASE("BatchTopics: what the path says stays as it is") {
  const auto topics =
      batch_topics("/publish/{tenant}/{topic...}", {"{tenant}/{topic}"}, {"acme", ""});
  CHECK(topics.has("acme/a/b"));
  CHECK_FALSE(topics.has("other/a"));
  CHECK_FALSE(topics.has("acme2/a"));
}

TEST_CASE("BatchTopics: one capture is one text") {
  const auto twice = batch_topics("/publish/{a}/{b}", {"{a}/{b}/{a}"}, {"*", "*"});
  CHECK(twice.has("x/y/x"));
  CHECK_FALSE(twice.has("x/y/z"));
  CHECK_FALSE(twice.has("x/y/xx"));
  const auto split = batch_topics("/publish/{a}", {"{a}{a}"}, {"*"});
  CHECK(split.has("abab"));
  CHECK_FALSE(split.has("ababa"));
}

TEST_CASE("BatchTopics: several topics of a route") {
  const auto topics = batch_topics("/publish/{room}", {"chat/{room}", "log"}, {"lobby"});
  CHECK_FALSE(topics.only());
  CHECK(topics.has("chat/lobby"));
  CHECK(topics.has("log"));
  CHECK_FALSE(topics.has("chat/log"));
  CHECK(batch_topics("/publish/{a}/{b}", {"{a}", "{b}"}, {"x", "x"}).only() == "x");
  CHECK_FALSE(batch_topics("/publish/{a}/{b}", {"{a}", "x"}, {"*", "x"}).only());
}

TEST_CASE("BatchTopics: no topic takes long to find, or not to find") {
  const auto topics = batch_topics("/p/{a}/{b}/{c}/{d}/{e...}", {"{a}{b}{c}{d}{e}{d}{c}{b}{a}!"},
                                   {"*", "*", "*", "*", ""});
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) CHECK_FALSE(topics.has(std::string(255, 'x')));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
}

}  // namespace
}  // namespace peal::server
