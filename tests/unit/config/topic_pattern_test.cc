// SPDX-License-Identifier: Apache-2.0
#include "config/topic_pattern.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace peal::config {
namespace {

using SegmentKind = TopicPattern::Segment::Kind;

std::string why_not(std::string_view pattern) {
  const auto parsed = TopicPattern::parse(pattern);
  return parsed ? "" : std::string(parsed.error());
}

TopicPattern pattern(std::string_view text) {
  const auto parsed = TopicPattern::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

TEST_CASE("topic_name_problem: names") {
  for (const std::string& name :
       {std::string("a"), std::string("chat/lobby"), std::string("a b/\xc3\xbc/***/a*b/{x}/."),
        std::string(kMaxTopicName, 'x')})
    CHECK_MESSAGE(!topic_name_problem(name), name);
}

TEST_CASE("topic_name_problem: what is wrong is said") {
  CHECK(topic_name_problem("") == "it is empty");
  CHECK(topic_name_problem(std::string(kMaxTopicName + 1, 'x')) == "it has more than 255 octets");
  CHECK(topic_name_problem("/a") == "it begins with \"/\"");
  CHECK(topic_name_problem("/") == "it begins with \"/\"");
  CHECK(topic_name_problem("a/") == "it ends in \"/\"");
  CHECK(topic_name_problem("a//b") == "it has an empty segment");
  CHECK(topic_name_problem("a\xff") == "it is not UTF-8");
  CHECK(topic_name_problem("a\xc3") == "it is not UTF-8");
  for (const std::string& name : {std::string("a\nb"), std::string("\0", 1), std::string("\x7f")})
    CHECK_MESSAGE(topic_name_problem(name) == "it has a control character", name);
  for (const char* name : {"*", "**", "a/*", "*/a", "a/**/b"})
    CHECK_MESSAGE(topic_name_problem(name)->starts_with("it has a segment \"*\""), name);
}

TEST_CASE("TopicPattern: segments") {
  CHECK(pattern("a/*/b*/**").segments() ==
        std::vector<TopicPattern::Segment>{{SegmentKind::literal, "a"},
                                           {SegmentKind::one, ""},
                                           {SegmentKind::literal, "b*"},
                                           {SegmentKind::rest, ""}});
}

TEST_CASE("TopicPattern: what is wrong is said") {
  CHECK(why_not("**/a") == "\"**\" is not the last segment");
  CHECK(why_not("**/**") == "\"**\" is not the last segment");
  CHECK(why_not("") == "it is empty");
  CHECK(why_not("/**") == "it begins with \"/\"");
  CHECK(why_not("a/*/") == "it ends in \"/\"");
  CHECK(why_not("a//*") == "it has an empty segment");
  CHECK(why_not("\xff/*") == "it is not UTF-8");
  CHECK(why_not(std::string(kMaxTopicName, 'x') + "/*") == "it has more than 255 octets");
}

TEST_CASE("TopicPattern: one segment, or any number of them at the end") {
  const auto matches = [](const char* text, std::string_view topic) {
    return pattern(text).matches(topic);
  };
  CHECK(matches("chat/*", "chat/a"));
  CHECK_FALSE(matches("chat/*", "chat"));
  CHECK_FALSE(matches("chat/*", "chat/a/b"));
  CHECK_FALSE(matches("chat/*", "chats/a"));
  CHECK(matches("*/a", "x/a"));
  CHECK_FALSE(matches("*/a", "x/b"));
  CHECK(matches("chat/**", "chat"));
  CHECK(matches("chat/**", "chat/a/b/c"));
  CHECK_FALSE(matches("chat/**", "chats"));
  CHECK_FALSE(matches("chat/*/**", "chat"));
  CHECK(matches("**", "a"));
  CHECK(matches("a/b", "a/b"));
  CHECK_FALSE(matches("a/b", "a/b/c"));
  CHECK_FALSE(matches("a/b", "a"));
}

TEST_CASE("TopicPattern: covers") {
  const auto covers = [](const char* wide, const char* narrow) {
    return pattern(wide).covers(pattern(narrow));
  };
  for (const char* text : {"a", "a/b", "a/*", "*", "a/**", "**", "*/**"}) {
    CHECK_MESSAGE(covers(text, text), text);
    CHECK_MESSAGE(covers("**", text), text);
  }
  CHECK(covers("a/**", "a"));
  CHECK(covers("a/**", "a/*"));
  CHECK(covers("a/**", "a/*/**"));
  CHECK(covers("*/**", "a/**"));
  CHECK_FALSE(covers("*", "**"));
  CHECK(covers("*/**", "**"));  // no name is empty
  CHECK(pattern("*/**") == pattern("**"));
  CHECK_FALSE(covers("a/*", "a/**"));
  CHECK_FALSE(covers("a/*/**", "a/**"));
  CHECK_FALSE(covers("a/b", "a/*"));
  CHECK_FALSE(covers("a/b/**", "a/**"));
}

/// A pattern, or a name where there are no wildcards, of up to four segments of few letters.
std::string random_text(std::mt19937_64& random, bool wildcards) {
  std::string text;
  for (std::size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
    if (i > 0) text += '/';
    const auto kind = random() % 6;
    if (wildcards && kind == 0 && i + 1 == n) return text + "**";
    text += wildcards && kind <= 1 ? "*" : std::string(1, static_cast<char>('a' + random() % 2));
  }
  return text;
}

/// Names that `pattern` has, with segments that no other pattern names: of them, if of any, another
/// pattern may have some and not all.
std::vector<std::string> witnesses(std::string pattern) {
  const bool open = pattern.ends_with("**");
  if (open) pattern.resize(pattern.size() - 2);
  for (std::size_t at; (at = pattern.find('*')) != std::string::npos;) pattern[at] = 'z';
  if (!open) return {pattern};
  std::vector<std::string> names{pattern + "z", pattern + "z/z/z/z/z/z"};
  if (!pattern.empty()) names.push_back(pattern.substr(0, pattern.size() - 1));
  return names;
}

TEST_CASE("TopicPattern: a pattern covers those of which it has every topic, and no other") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int covered = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string wide = random_text(random, true);
    const std::string narrow = random_text(random, true);
    CAPTURE(wide);
    CAPTURE(narrow);
    const auto has = [&](const std::string& name) {
      CHECK_MESSAGE(pattern(narrow).matches(name), name);
      return pattern(wide).matches(name);
    };
    const bool expected = std::ranges::all_of(witnesses(narrow), has);
    CHECK(pattern(wide).covers(pattern(narrow)) == expected);
    covered += expected;
    const std::string name = random_text(random, false);
    CHECK(pattern(wide).covers(pattern(name)) == pattern(wide).matches(name));
  }
  CHECK(covered > 50);
}

}  // namespace
}  // namespace peal::config
