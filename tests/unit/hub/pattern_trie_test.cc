// SPDX-License-Identifier: Apache-2.0
#include "core/hub/pattern_trie.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/support/rounds.h"

namespace peal::hub::pattern_trie_test {
namespace {

std::vector<std::string> segments_of(const std::string& text) {
  std::vector<std::string> segments(1);
  for (const char c : text)
    if (c == '/')
      segments.emplace_back();
    else
      segments.back() += c;
  return segments;
}

bool matches(const std::string& pattern, const std::string& topic) {
  const auto wanted = segments_of(pattern);
  const auto given = segments_of(topic);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "**") return true;
    if (i == given.size() || (wanted[i] != "*" && wanted[i] != given[i])) return false;
  }
  return wanted.size() == given.size();
}

std::set<std::uint32_t> found(const PatternTrie& trie, std::string_view topic) {
  std::vector<SlotId> ids;
  trie.match(topic, ids);
  std::set<std::uint32_t> indices;
  for (const SlotId id : ids) CHECK(indices.insert(id.index).second);
  return indices;
}

TEST_CASE("PatternTrie: a segment, any one, any number") {
  PatternTrie trie;
  trie.add("a/b", {1, 0});
  trie.add("a/*", {2, 0});
  trie.add("a/**", {3, 0});
  trie.add("**", {4, 0});
  trie.add("*/b", {5, 0});
  trie.add("*", {6, 0});
  using Found = std::set<std::uint32_t>;
  CHECK(found(trie, "a/b") == Found{1, 2, 3, 4, 5});
  CHECK(found(trie, "a/c") == Found{2, 3, 4});
  CHECK(found(trie, "a/b/c") == Found{3, 4});
  CHECK(found(trie, "a") == Found{3, 4, 6});
  CHECK(found(trie, "ab") == Found{4, 6});
  CHECK(found(trie, "c/b") == Found{4, 5});
}

TEST_CASE("PatternTrie: what a topic calls itself is no wildcard, and no part of a name counts") {
  PatternTrie trie;
  trie.add("a/b", {1, 0});
  CHECK(found(trie, "*/b").empty());
  CHECK(found(trie, "a/**").empty());
  CHECK(found(trie, "a/bb").empty());
  CHECK(found(trie, "a/").empty());
  CHECK(found(trie, "").empty());
}

std::string draw(std::mt19937_64& random, bool pattern) {
  std::string text;
  for (auto segments = 1 + random() % 4; segments > 0; --segments) {
    if (!text.empty()) text += '/';
    const auto kind = pattern ? random() % 6 : 5;
    if (kind == 0) return text + "**";
    text += kind == 1 ? "*" : std::string(1 + random() % 2, static_cast<char>('a' + random() % 2));
  }
  return text;
}

TEST_CASE("PatternTrie: finds what a comparison with each finds, and forgets what is removed") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(500); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    PatternTrie trie;
    std::map<std::string, std::uint32_t> model;
    std::uint32_t next = 0;
    for (int step = 0; step < 100; ++step) {
      if (const std::string pattern = draw(random, true); random() % 2 == 0) {
        if (model.emplace(pattern, next).second) trie.add(pattern, {next++, 0});
      } else if (const auto known = model.find(pattern); known != model.end()) {
        trie.remove(pattern);
        model.erase(known);
      }
      const std::string topic = draw(random, false);
      std::set<std::uint32_t> expected;
      for (const auto& [pattern, index] : model)
        if (matches(pattern, topic)) expected.insert(index);
      CAPTURE(topic);
      REQUIRE(found(trie, topic) == expected);
      REQUIRE(trie.empty() == model.empty());
    }
    for (const auto& [pattern, index] : model) trie.remove(pattern);
    CHECK(trie.empty());
    CHECK(found(trie, draw(random, false)).empty());
  }
}

TEST_CASE("PatternTrie: the longest names there can be") {
  PatternTrie trie;
  std::string pattern = "*";
  std::string topic = "a";
  for (int i = 0; i < 126; ++i) {
    pattern += "/*";
    topic += "/a";
  }
  trie.add(pattern, {1, 0});
  trie.add(pattern + "/**", {2, 0});
  CHECK(found(trie, topic).size() == 2);
  trie.remove(pattern);
  CHECK(found(trie, topic).size() == 1);
  trie.remove(pattern + "/**");
  CHECK(trie.empty());
}

}  // namespace
}  // namespace peal::hub::pattern_trie_test
