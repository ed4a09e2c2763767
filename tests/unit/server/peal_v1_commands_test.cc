// SPDX-License-Identifier: Apache-2.0
#include "server/peal_v1_commands.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/base/utf8.h"
#include "server/peal_v1_replies.h"
#include "tests/support/rounds.h"

namespace peal::server {
namespace {

std::string shown(const std::expected<PealCommand, PealProblem>& read) {
  const auto ref = [](std::optional<std::uint32_t> number) {
    return number ? " #" + std::to_string(*number) : std::string();
  };
  if (!read)
    return std::string(read.error().code) + ": " + read.error().message + ref(read.error().ref);
  const PealCommand& command = *read;
  std::string out;
  switch (command.kind) {
    case PealCommand::Kind::subscribe:
      out = "subscribe " + std::string(command.topic);
      if (command.since) out += " since " + hub::message_id_text(*command.since);
      if (command.last) out += " last " + std::to_string(*command.last);
      break;
    case PealCommand::Kind::unsubscribe:
      out = "unsubscribe " + std::string(command.topic);
      break;
    case PealCommand::Kind::publish:
      out = "publish " + std::string(command.topic) + (command.is_text ? " text " : " binary ") +
            std::string(command.payload);
      break;
  }
  return out + ref(command.ref);
}

struct Reader {
  PealReader reader;
  std::string operator()(std::string_view text) { return shown(reader.read(text)); }
};

TEST_CASE("PealReader: every command") {
  Reader read;
  CHECK(read(R"({"subscribe":"a/b"})") == "subscribe a/b");
  CHECK(read(R"({"subscribe":"a","since":"00000000000000ff-17","ref":0})") ==
        "subscribe a since 00000000000000ff-17 #0");
  CHECK(read(R"({"ref":2147483647,"last":3,"subscribe":"a"})") == "subscribe a last 3 #2147483647");
  CHECK(read(R"( { "unsubscribe" : "a/*" , "ref" : 1 } )") == "unsubscribe a/* #1");
  CHECK(read(R"({"publish":"t","data":"x"})") == "publish t text x");
  CHECK(read(R"({"data":""})") == "publish  text ");
  CHECK(read(R"({"base64":"/w=="})") == "publish  binary \xff");
  CHECK(read(R"({"data":"\u00fc\n\"\ud83d\ude00\u0000"})") ==
        std::string("publish  text \xc3\xbc\n\"\xf0\x9f\x98\x80\0", 23));
}

TEST_CASE("PealReader: what is no command is told apart from what is no JSON object") {
  Reader read;
  for (const std::string_view text :
       {"", " ", "hello", "{", "{}x", R"({"data":"a"}{"data":"b"})", R"({"data":"a",})", "[1]", "1",
        "null", R"("x")", R"({"data":"\x"})", R"({'data':'a'})", "{\"data\":\"\n\"}"})
    CHECK_MESSAGE(read(text).starts_with("not_json: "), text << " -> " << read(text));
  for (const std::string_view text : {"{}",
                                      R"({"ref":1})",
                                      R"({"publish":"a"})",
                                      R"({"publish":"","data":"x"})",
                                      R"({"subscribe":"a","data":"x"})",
                                      R"({"subscribe":"a","unsubscribe":"a"})",
                                      R"({"unsubscribe":"a","last":1})",
                                      R"({"data":"x","since":"0000000000000000-1"})",
                                      R"({"data":"x","base64":""})",
                                      R"({"data":"x","data":"x"})",
                                      R"({"ref":1,"ref":1})",
                                      R"({"subscribe":"a","last":1,"since":"0000000000000000-1"})",
                                      R"({"subscribe":"a","last":-1})",
                                      R"({"subscribe":"a","last":1.0})",
                                      R"({"subscribe":"a","last":1000001})",
                                      R"({"subscribe":"a","since":"1"})",
                                      R"({"subscribe":"a","since":"0000000000000000-1.2"})",
                                      R"({"subscribe":["a"]})",
                                      R"({"subscribe":"a","ref":"1"})",
                                      R"({"data":"x","ref":2147483648})",
                                      R"({"base64":"/w="})",
                                      R"({"base64":"_w=="})",
                                      R"({"data":{"a":1}})",
                                      R"({"date":"x"})"})
    CHECK_MESSAGE(read(text).starts_with("bad_command: "), text << " -> " << read(text));
}

TEST_CASE("PealReader: a problem is named, with the ref wherever that stands") {
  Reader read;
  CHECK(read(R"({"date":"x","ref":7})") == R"(bad_command: no command has "date" #7)");
  CHECK(read(R"({"data":1,"ref":7})") == R"(bad_command: "data" must be a string #7)");
  CHECK(read(R"({"ref":7,"publish":"a"})") ==
        R"(bad_command: "publish" needs "data" or "base64" #7)");
  CHECK(read(R"({"data":"x","ref":-1})") ==
        R"(bad_command: "ref" must be a whole number from 0 to 2147483647)");
  CHECK(read("{\"" + std::string(33, 'x') + "\":1}") ==
        "bad_command: it has a key that no command has");
}

TEST_CASE("PealReader: halves of a surrogate pair make no text") {
  Reader read;
  for (const std::string_view text :
       {R"({"data":"\ud83d"})", R"({"data":"\ud83dx"})", R"({"data":"\ude00"})",
        R"({"data":"\ude00\ud83d"})", R"({"data":"\ud83d\ud83d"})", R"({"subscribe":"\udfff"})"})
    CHECK_MESSAGE(read(text).starts_with("bad_command: "), text << " -> " << read(text));
  CHECK(read(R"({"data":"cut \ud83d","ref":7})") ==
        "bad_command: a string has half a surrogate pair, which is no character #7");
  CHECK(read(R"({"data":"\ud83d\x"})").starts_with("not_json: "));
  CHECK(read(R"({"data":"whole"})") == "publish  text whole");
}

TEST_CASE("PealReader: nesting without end is refused") {
  Reader read;
  const std::string deep = R"({"data":)" + std::string(100'000, '[');
  CHECK(read(deep).starts_with("not_json: "));
  CHECK(read(R"({"data":[[[[]]]]})").starts_with("bad_command: "));
}

TEST_CASE("PealReader: long commands and short ones after them") {
  Reader read;
  for (const std::size_t size : {65'000u, 70'000u, 5u, 3'000'000u, 0u, 100'000u}) {
    const std::string data(size, 'x');
    CHECK(read(R"({"data":")" + data + R"("})") == "publish  text " + data);
    CHECK(read(R"({"data":"short"})") == "publish  text short");
  }
}

/// JSON of a string, each character written in one of the ways that there are.
std::string as_json(std::mt19937_64& random, std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const bool must = c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    if (!must && (random() % 4 != 0 || static_cast<unsigned char>(c) >= 0x80)) {
      out += c;
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
    out += escape;
  }
  return out + '"';
}

TEST_CASE("PealReader: any text comes through, in any order of the members and any spelling") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Reader read;
  for (auto round = peal::test::rounds(20'000); round > 0; --round) {
    std::string text;
    for (auto length = random() % 12; length > 0; --length) {
      const std::string_view parts[] = {
          "a", "\"", "\\", "\n", "\x01", "\xc3\xbc", "\xf0\x9f\x98\x80", "/", "{"};
      text += parts[random() % std::size(parts)];
    }
    std::vector<std::string> members = {"\"publish\":" + as_json(random, "a" + text),
                                        "\"data\":" + as_json(random, text), R"("ref":12)"};
    std::ranges::shuffle(members, random);
    const std::string space(random() % 3, ' ');
    std::string object = space + "{";
    for (const std::string& member : members)
      object += space + member + space + (&member == &members.back() ? "}" : ",");
    const auto command = read.reader.read(object + space);
    REQUIRE_MESSAGE(command, object);
    CHECK(command->topic == "a" + text);
    CHECK(command->payload == text);
    CHECK(command->ref == 12);
  }
}

TEST_CASE("PealReader: mutated commands are read or refused, and never as text that is not UTF-8") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Reader read;
  std::string reply;
  for (auto round = peal::test::rounds(50'000); round > 0; --round) {
    std::string text = R"({"publish":"t\u00e9","data":"\ud83d\ude00 \"x\"","ref":1})";
    for (auto changes = random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const std::string_view what[] = {"\\", "\"", "{", "}", "d", "8", ",", ":", "\xff"};
      text.replace(at, random() % 3, what[random() % std::size(what)]);
    }
    const auto command = read.reader.read(text);
    if (command && command->is_text) CHECK_MESSAGE(is_utf8(as_bytes(command->payload)), text);
    if (!command)
      write_error(reply, command.error().code, command.error().message, command.error().ref);
    if (!command && is_utf8(as_bytes(text))) CHECK_MESSAGE(is_utf8(as_bytes(reply)), text);
  }
}

}  // namespace
}  // namespace peal::server
