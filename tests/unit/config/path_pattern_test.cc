// SPDX-License-Identifier: Apache-2.0
#include "config/path_pattern.h"

#include <doctest/doctest.h>

namespace peal::config {
namespace {

using Kind = Segment::Kind;

std::string why(std::string_view path) {
  const auto pattern = parse_path_pattern(path);
  return pattern ? "" : pattern.error();
}

TEST_CASE("parse_path_pattern: literals, params and the rest") {
  const auto pattern = parse_path_pattern("/a b/{room}/{_x1}/{path...}");
  REQUIRE(pattern);
  CHECK(pattern->segments == std::vector<Segment>{{Kind::literal, "a b"},
                                                  {Kind::param, "room"},
                                                  {Kind::param, "_x1"},
                                                  {Kind::rest, "path"}});
  CHECK(pattern->captures() == std::vector<std::string_view>{"room", "_x1", "path"});
}

TEST_CASE("parse_path_pattern: the root is one empty segment") {
  const auto pattern = parse_path_pattern("/");
  REQUIRE(pattern);
  CHECK(pattern->segments == std::vector<Segment>{{Kind::literal, ""}});
}

TEST_CASE("parse_path_pattern: what is wrong is said") {
  CHECK(why("") == "it does not begin with \"/\"");
  CHECK(why("chat") == "it does not begin with \"/\"");
  CHECK(why("/chat/") == "it ends in \"/\"");
  CHECK(why("//chat") == "it has an empty segment");
  CHECK(why("/a/../b").find("\"..\"") != std::string::npos);
  CHECK(why("/.").find("\".\"") != std::string::npos);
  CHECK(why("/{a}/{a}") == "{a} is there twice");
  CHECK(why("/{a...}/b") == "{a...} is not the last segment");
  CHECK(why("/{a...}/{b...}") == "{a...} is not the last segment");
  for (const char* path : {"/{}", "/{...}", "/{1a}", "/{a-b}", "/{a..}", "/{a....}"})
    CHECK_MESSAGE(why(path).find("a capture is {name}") != std::string::npos, path);
  for (const char* path : {"/x{a}", "/{a}x", "/{a", "/a}", "/{a}{b"})
    CHECK_MESSAGE(why(path).find("whole segment") != std::string::npos, path);
  for (const char* path : {"/a%20b", "/a?b", "/a#b"})
    CHECK_MESSAGE(why(path).find("decoded") != std::string::npos, path);
}

TEST_CASE("parse_path_pattern: captures and segments have a limit") {
  std::string path;
  for (std::size_t i = 0; i < kMaxCaptures; ++i) path += "/{c" + std::to_string(i) + '}';
  CHECK(parse_path_pattern(path));
  CHECK_FALSE(parse_path_pattern(path + "/{more}"));
  path.clear();
  for (std::size_t i = 0; i < kMaxSegments; ++i) path += "/s";
  CHECK(parse_path_pattern(path));
  CHECK_FALSE(parse_path_pattern(path + "/s"));
}

TEST_CASE("PathPattern::shape: the names of captures do not count") {
  CHECK(parse_path_pattern("/a/{b}/{c...}")->shape() == "/a/{}/{...}");
  CHECK(parse_path_pattern("/a/{x}")->shape() == parse_path_pattern("/a/{y}")->shape());
  CHECK(parse_path_pattern("/a/{x}")->shape() != parse_path_pattern("/a/{x...}")->shape());
}

TEST_CASE("parse_topic_template: text and captures of the path") {
  const auto path = parse_path_pattern("/{user}/{room}");
  const auto topic = parse_topic_template("chat/{room}-{user}!", *path);
  REQUIRE(topic);
  REQUIRE(topic->pieces.size() == 5);
  CHECK(topic->pieces[0].literal == "chat/");
  CHECK(topic->pieces[1].capture == 1);
  CHECK(topic->pieces[3].capture == 0);
  CHECK(topic->pieces[4].literal == "!");
}

TEST_CASE("parse_topic_template: what is wrong is said") {
  const auto path = parse_path_pattern("/chat/{room}");
  const auto wrong = [&](std::string_view topic) {
    const auto parsed = parse_topic_template(topic, *path);
    return parsed ? "" : parsed.error();
  };
  CHECK(wrong("") == "it is empty");
  CHECK(wrong("chat/{rom}") == "{rom} is no capture of the path");
  CHECK(wrong("chat/{room...}") == "{room...} is no capture of the path");
  for (const char* topic : {"chat/{room", "chat/room}", "}{"})
    CHECK_MESSAGE(wrong(topic) == "a brace has no partner", topic);
}

}  // namespace
}  // namespace peal::config
