// SPDX-License-Identifier: Apache-2.0
#include "config/source_map.h"

#include <doctest/doctest.h>

namespace peal::config {
namespace {

TEST_CASE("map_source: keys, values and elements, however they are written") {
  const auto map = map_source(
      "# a comment\n"
      "top = 1 # [not.a.header]\n"
      "\n"
      "[ route . chat ]\r\n"
      "  path = \"/a\\\"b # no comment\"\n"
      "topics = [ 'a', # first\n"
      "  \"b\"]\n"
      "limits = { queue_size = 1, 'slow_client' = '''x''' }\n"
      "long = \"\"\"\n"
      "[no.header]\n"
      "\"\"\"\"\n"
      "x.y = true\n");
  CHECK_FALSE(map.refusal);
  const auto key = [&](const char* path) { return map.marks.at(path).key; };
  const auto value = [&](const char* path) { return map.marks.at(path).value; };
  CHECK(key("top") == Position{2, 1});
  CHECK(value("top") == Position{2, 7});
  CHECK(key("route") == Position{4, 3});
  CHECK(key("route.chat") == Position{4, 11});
  CHECK(key("route.chat.path") == Position{5, 3});
  CHECK(value("route.chat.path") == Position{5, 10});
  CHECK(map.marks.at("route.chat.topics").items == std::vector<Position>{{6, 12}, {7, 3}});
  CHECK(key("route.chat.limits.slow_client") == Position{8, 28});
  CHECK(value("route.chat.limits.slow_client") == Position{8, 44});
  CHECK(value("route.chat.long") == Position{9, 8});
  CHECK(key("route.chat.x.y") == Position{12, 3});
  CHECK_FALSE(map.marks.contains("no"));
}

TEST_CASE("map_source: what the TOML library could not bear is refused") {
  const std::string many(1000, '[');
  CHECK(map_source("a = " + many).refusal);
  CHECK(map_source("a = [" + many).refusal);
  std::string dots = "a";
  for (int i = 0; i < 1000; ++i) dots += ".a";
  CHECK(map_source(dots + " = 1").refusal);
  CHECK(map_source('[' + dots + ']').refusal);
  std::string inline_tables = "a = ";
  for (int i = 0; i < 1000; ++i) inline_tables += "{a=";
  CHECK(map_source(inline_tables).refusal);
  const auto into_list = map_source("a = []\n[a.b]\n");
  REQUIRE(into_list.refusal);
  CHECK(into_list.refusal->position == Position{2, 4});
}

TEST_CASE("map_source: text that is not TOML ends the map, no more") {
  for (const char* text : {"", "=", "[", "[]", "[a", "a", "a =", "a = [", "a = {", "a = \"", "\"",
                           "a = '''", "a = \"\\", "a = {b", "[[a]", "\xEF\xBB\xBF", "a = [1 2]"})
    CHECK_FALSE_MESSAGE(map_source(text).refusal, text);
}

}  // namespace
}  // namespace peal::config
