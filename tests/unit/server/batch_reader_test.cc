// SPDX-License-Identifier: Apache-2.0
#include "server/batch_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/server/topics.h"

namespace peal::server {
namespace {

struct Got {
  std::string topic;
  std::string payload;
  bool is_text = true;
  friend bool operator==(const Got&, const Got&) = default;
};

struct ReadBatch {
  std::vector<Got> messages;
  std::string problem;
};

/// `base`: what the path has for {topic...}.
ReadBatch read(std::string_view body, std::string_view base = "",
               std::uint64_t message_size = 100) {
  BatchParser parser;
  BatchReader reader(test::batch_topics("/publish/{topic...}", {"{topic}"}, {base}), message_size);
  ReadBatch batch;
  Bytes rest = as_bytes(body);
  while (true) {
    switch (reader.next(parser, rest)) {
      case BatchReader::Outcome::message:
        batch.messages.push_back({std::string(reader.line().topic),
                                  std::string(as_text(reader.line().payload)),
                                  reader.line().is_text});
        break;
      case BatchReader::Outcome::blank:
        break;
      case BatchReader::Outcome::failure:
        batch.problem = reader.problem();
        return batch;
      case BatchReader::Outcome::end:
        return batch;
    }
  }
}

std::string problem(std::string_view line) {
  const ReadBatch batch = read(line);
  CHECK(batch.messages.empty());
  return batch.problem;
}

using Messages = std::vector<Got>;

TEST_CASE("BatchReader: text and base64, in any order of keys") {
  const ReadBatch batch = read(
      "{\"topic\":\"a\",\"data\":\"one\"}\n"
      " { \"base64\" : \"AAH/\" , \"topic\" : \"b/c\" } \r\n"
      "\n \t\r\n"
      "{\"t\\u006fpic\":\"a\",\"data\":\"\\u00fc\\n\\\"\\ud83d\\ude00\\u0000\"}\n"
      "{\"topic\":\"a\",\"data\":\"\"}");
  CHECK(batch.problem == "");
  using namespace std::string_literals;
  CHECK(batch.messages == Messages{{"a", "one"},
                                   {"b/c", "\x00\x01\xff"s, false},
                                   {"a", "\xc3\xbc\n\"\xf0\x9f\x98\x80\0"s},
                                   {"a", ""}});
  CHECK(read("").messages.empty());
  CHECK(read("\n\n").problem == "");
}

TEST_CASE("BatchReader: the path may name the topic") {
  CHECK(read("{\"data\":\"x\"}", "chat/lobby").messages == Messages{{"chat/lobby", "x"}});
  CHECK(read("{\"topic\":\"chat/lobby\",\"data\":\"x\"}", "chat/lobby").messages.size() == 1);
  CHECK(read("{\"topic\":\"chat\",\"data\":\"x\"}", "chat/lobby").problem ==
        "line 1: the path does not have its \"topic\"");
  CHECK(read("{\"data\":\"x\"}", "chat/").problem ==
        "line 1: it has no \"topic\", and the path names not just one");
  CHECK(read("{\"data\":\"x\"}", "a//b").problem ==
        "line 1: the path makes no topic: it has an empty segment");
}

TEST_CASE("BatchReader: a wrong line is named, and why") {
  CHECK(read("{\"topic\":\"a\",\"data\":\"x\"}\n\n{\"topic\":\"a\"}\nnonsense").problem ==
        "line 3: it has neither \"data\" nor \"base64\"");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"x\",\"base64\":\"\"}") ==
        "line 1: it has both \"data\" and \"base64\"");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"x\",\"data\":\"x\"}") ==
        "line 1: it has \"data\" twice");
  CHECK(problem("{\"topic\":\"a\",\"topic\":\"b\",\"data\":\"x\"}") ==
        "line 1: it has \"topic\" twice");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"x\",\"ttl\":3}") ==
        "line 1: it has a key besides \"topic\", \"data\" and \"base64\"");
  for (const std::string_view value : {"1", "null", "true", "[]", "{}", "1.5", "[\"x\"]"})
    CHECK(problem("{\"topic\":\"a\",\"data\":" + std::string(value) + "}") ==
          "line 1: \"data\" is no string");
  CHECK(problem("{\"topic\":1,\"data\":\"x\"}") == "line 1: \"topic\" is no string");
  CHECK(problem("{\"topic\":\"a//b\",\"data\":\"x\"}") ==
        "line 1: \"topic\" is no topic: it has an empty segment");
  CHECK(problem("{\"topic\":\"\",\"data\":\"x\"}") == "line 1: \"topic\" is no topic: it is empty");
  CHECK(problem("{\"topic\":\"chat/*\",\"data\":\"x\"}")
            .starts_with("line 1: \"topic\" is no topic: "));
  CHECK(problem("{\"topic\":\"a\\udc00\",\"data\":\"x\"}").starts_with("line 1: "));
  for (const std::string_view text : {"x", "AAH_", "AAH", "AAE", "AA==AA==", "AB=="})
    CHECK(problem("{\"topic\":\"a\",\"base64\":\"" + std::string(text) + "\"}") ==
          "line 1: \"base64\" is no base64 with its padding");
}

TEST_CASE("BatchReader: what is not JSON") {
  for (const std::string_view line :
       {"nonsense", "{", "}", "{\"topic\":\"a\",\"data\":\"x\"",
        "{\"topic\":\"a\",\"data\":\"x\",}", "{\"topic\":\"a\",\"data\":\"x\"}}",
        "{\"topic\":\"a\",\"data\":\"x\"} x",
        "{\"topic\":\"a\",\"data\":\"x\"}{\"topic\":\"a\",\"data\":\"x\"}",
        "{'topic':'a','data':'x'}", "{topic:\"a\",\"data\":\"x\"}",
        "{\"topic\":\"a\" \"data\":\"x\"}", "{\"topic\" \"a\"}",
        "{,\"topic\":\"a\",\"data\":\"x\"}", "\xef\xbb\xbf{\"topic\":\"a\",\"data\":\"x\"}",
        "{\"topic\":\"a\",\"data\":tru}", "{\"topic\":\"a\",\"data\":01}"})
    CHECK_MESSAGE(problem(line) == "line 1: it is not JSON", line);
  CHECK(problem("[]") == "line 1: it is no JSON object");
  CHECK(problem("\"topic\"") == "line 1: it is no JSON object");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"x") == "line 1: a string has no end");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"a\tb\"}") ==
        "line 1: a string has a control character that is not escaped");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"\\x\"}") ==
        "line 1: a string has an escape that JSON does not know");
  CHECK(problem("{\"topic\":\"a\",\"data\":\"\xff\"}") == "line 1: it is not UTF-8");
  CHECK(problem(std::string(2000, '[') + std::string(2000, ']'))
            .starts_with("line 1: it is not JSON"));
}

TEST_CASE("BatchReader: half a surrogate pair is no character") {
  for (const std::string_view escape :
       {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800", "\\udc00\\ud800"})
    CHECK_MESSAGE(problem("{\"topic\":\"a\",\"data\":\"" + std::string(escape) + "\"}") ==
                      "line 1: a string has half a surrogate pair, which is no character",
                  escape);
}

TEST_CASE("BatchReader: a message of the largest size, and one octet more") {
  const auto line = [](std::size_t size, std::string_view what) {
    std::string text = "{\"topic\":\"a\",\"data\":\"";
    for (std::size_t i = 0; i < size; ++i) text += what;
    return text + "\"}";
  };
  CHECK(read(line(100, "x")).messages.size() == 1);
  CHECK(read(line(100, "\\u0001")).messages.size() == 1);
  CHECK(read(line(101, "x")).problem == "line 1: the message has 101 bytes, 100 is the most");
  CHECK(read(line(10'000, "x")).problem == "line 1: it is longer than any message may make it");
  CHECK(read("{\"topic\":\"a\",\"base64\":\"" + std::string(136, 'A') + "\"}").problem ==
        "line 1: the message has 102 bytes, 100 is the most");
}

}  // namespace
}  // namespace peal::server
