// SPDX-License-Identifier: Apache-2.0
#include "server/topic_classes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace peal::server {
namespace {

using Strings = std::vector<std::string>;
using std::chrono::milliseconds;

/// Classes that are named as their patterns.
TopicClasses classes(const Strings& patterns) {
  config::Config config;
  for (const std::string& pattern : patterns)
    config.topics.push_back({pattern, pattern, std::nullopt, 0});
  return TopicClasses(config);
}

TEST_CASE("TopicClasses: the most specific pattern wins, whatever the order") {
  Strings patterns{"a/b", "a/*", "a/**", "*/b", "*", "**"};
  std::ranges::sort(patterns);
  do {
    const TopicClasses all = classes(patterns);
    CHECK(all.of("a/b").name == "a/b");
    CHECK(all.of("a/c").name == "a/*");
    CHECK(all.of("a/b/c").name == "a/**");
    CHECK(all.of("a").name == "a/**");
    CHECK(all.of("x/b").name == "*/b");
    CHECK(all.of("x").name == "*");
    CHECK(all.of("x/y").name == "**");
  } while (std::ranges::next_permutation(patterns).found);
}

TEST_CASE("TopicClasses: a longer beginning that leads nowhere is gone back from") {
  const TopicClasses all = classes({"a/b/c", "a/*/d", "*/b/e"});
  CHECK(all.of("a/b/d").name == "a/*/d");
  CHECK(all.of("a/b/e").name == "*/b/e");
  CHECK(all.of("a/b").name == "default");
  CHECK(all.of("a/b/c/d").name == "default");
}

TEST_CASE("TopicClasses: ** matches its own beginning, after what ends there") {
  CHECK(classes({"a/**"}).of("a").name == "a/**");
  CHECK(classes({"a/**", "a"}).of("a").name == "a");
  CHECK(classes({"a/**"}).of("ab").name == "default");
}

TEST_CASE("TopicClasses: what a class has") {
  config::Config config;
  config.topics = {{"news", "news/**", config::History{100, config::Milliseconds{600'000}}, 0},
                   {"prices", "prices/*", std::nullopt, 10}};
  const TopicClasses all(config);
  REQUIRE(all.all().size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(all.all()[i].index == i);
  const TopicClass& news = all.of("news/en");
  CHECK(&news == &all.all()[1]);
  CHECK(news.history_size == 100);
  CHECK(news.history_age == milliseconds(600'000));
  CHECK(news.pace == Duration::zero());
  const TopicClass& prices = all.of("prices/eur");
  CHECK(prices.history_size == 0);
  CHECK(prices.pace == milliseconds(100));
  const TopicClass& none = all.of("other");
  CHECK(none.name == "default");
  CHECK(none.index == 0);
  CHECK(none.history_size == 0);
  CHECK(none.pace == Duration::zero());
}

TEST_CASE("TopicClasses: a class of the name default is the default") {
  config::Config config;
  config.topics = {{"a", "a", std::nullopt, 0},
                   {"default", "**", config::History{1, config::Milliseconds{0}}, 0}};
  const TopicClasses all(config);
  CHECK(all.all().size() == 2);
  CHECK(all.of("x").index == 0);
  CHECK(all.of("x").history_size == 1);
  CHECK(all.of("a").index == 1);
}

/// How specific a pattern is, to be compared from the left; the least is the most specific.
std::vector<int> specificity(const config::TopicPattern& pattern) {
  std::vector<int> kinds;
  for (const auto& segment : pattern.segments()) kinds.push_back(static_cast<int>(segment.kind));
  return kinds;
}

TEST_CASE("TopicClasses: finds what looking at every pattern finds") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto text = [&](bool wildcards) {
    std::string out;
    for (std::size_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      if (i > 0) out += '/';
      const auto kind = random() % 8;
      if (wildcards && kind < 2 && i + 1 == n) return out + "**";
      out += wildcards && kind < 4 ? "*" : std::string(1, static_cast<char>('a' + random() % 3));
    }
    return out;
  };
  int found = 0;
  for (int round = 0; round < 100; ++round) {
    Strings patterns;
    for (std::size_t i = 0, n = random() % 12; i < n; ++i) {
      const std::string pattern = text(true);
      if (pattern != "*/**" && std::ranges::find(patterns, pattern) == patterns.end())
        patterns.push_back(pattern);
    }
    const TopicClasses all = classes(patterns);
    for (int i = 0; i < 50; ++i) {
      const std::string topic = text(false);
      std::string expected = "default";
      std::vector<int> best{9};
      for (const std::string& pattern : patterns) {
        const auto parsed = config::TopicPattern::parse(pattern);
        if (!parsed->matches(topic) || specificity(*parsed) >= best) continue;
        best = specificity(*parsed);
        expected = pattern;
      }
      CAPTURE(topic);
      CHECK(all.of(topic).name == expected);
      found += expected != "default";
    }
  }
  CHECK(found > 1000);
}

}  // namespace
}  // namespace peal::server
