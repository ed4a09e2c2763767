// SPDX-License-Identifier: Apache-2.0
#include "core/hub/encoding.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "core/base/base64.h"
#include "core/base/utf8.h"
#include "tests/support/rounds.h"

namespace peal::hub::encoding_test {
namespace {

/// What a writer writes; it must stay within the room it has asked for.
template <class Room, class Write>
std::string written(const Item& item, Room room, Write write) {
  std::string text(room(item) + 16, '\x7f');
  auto* begin = reinterpret_cast<std::byte*>(text.data());
  const auto size = static_cast<std::size_t>(write(begin, item) - begin);
  CHECK(size <= room(item));
  CHECK(text.substr(size).find_first_not_of('\x7f') == std::string::npos);
  text.resize(size);
  return text;
}
std::string json(const Item& item) {
  return written(item, json_room, write_json);
}
std::string event(const Item& item) {
  return written(item, event_room, write_event);
}
std::string json_event(const Item& item) {
  return written(item, json_event_room, write_json_event);
}

Item text_item(std::string_view payload, std::string_view topic = "a/b") {
  return {.id = {.epoch = 255, .offset = 7}, .topic = topic, .payload = as_bytes(payload)};
}

std::string base64(std::string_view octets) {
  std::string text(base64_size(octets.size()), ' ');
  write_base64(text.data(), as_bytes(octets));
  return text;
}

struct Event {
  std::string id;
  std::string type;
  std::string data;
};

/// A reader of event streams as the steps of WHATWG HTML, section 9.2.6, are written.
std::vector<Event> read_events(const std::string& stream) {
  std::vector<Event> events;
  Event event;
  std::string line;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    if (stream[i] != '\r' && stream[i] != '\n') {
      line += stream[i];
      continue;
    }
    if (stream[i] == '\r' && i + 1 < stream.size() && stream[i + 1] == '\n') ++i;
    if (line.empty()) {
      if (!event.data.empty()) event.data.pop_back();
      events.push_back(event);
      event = {.id = event.id, .type = {}, .data = {}};
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == line.npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field == "id") event.id = value;
    if (field == "event") event.type = value;
    if (field == "data") event.data += value + '\n';
    line.clear();
  }
  CHECK(line.empty());
  return events;
}

/// CR and CR LF to LF.
std::string with_line_feeds(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    result += text[i] == '\r' ? '\n' : text[i];
  }
  return result;
}

std::string draw_text(std::mt19937_64& random) {
  static const std::vector<std::string> kPieces = {"a",
                                                   "\"",
                                                   "\\",
                                                   "/",
                                                   "\r",
                                                   "\n",
                                                   "\r\n",
                                                   "\t",
                                                   "\b",
                                                   "\f",
                                                   std::string(1, '\0'),
                                                   "\x1f",
                                                   "\x7f",
                                                   " ",
                                                   ":",
                                                   "data: ",
                                                   "\n\n",
                                                   "\u00e4",
                                                   "\u2028",
                                                   "\U0001f514",
                                                   "</script>"};
  std::string text;
  for (auto pieces = random() % 30; pieces > 0; --pieces)
    text += kPieces[random() % kPieces.size()];
  return text;
}

TEST_CASE("write_json: exactly what is expected") {
  CHECK(json(text_item("hi")) == R"({"id":"00000000000000ff-7","topic":"a/b","data":"hi"})");
  Item binary = text_item("hi");
  binary.is_text = false;
  CHECK(json(binary) == R"({"id":"00000000000000ff-7","topic":"a/b","base64":"aGk="})");
  CHECK(json(text_item("\"\\/\b\f\n\r\t\x01\x1f\x7f")) ==
        "{\"id\":\"00000000000000ff-7\",\"topic\":\"a/b\","
        "\"data\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"}");
}

TEST_CASE("write_json_string: every character of one octet, read back by a library") {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text{'x', static_cast<char>(c), 'y'};
    std::string string(json_string_size(text), ' ');
    CHECK(write_json_string(string.data(), text) == string.data() + string.size());
    CHECK(nlohmann::json::parse('"' + string + '"').get<std::string>() == text);
  }
}

TEST_CASE("write_json: a library reads what went in, whatever it was") {
  std::mt19937_64 random(1);
  for (std::uint64_t i = 0; i < peal::test::rounds(5000); ++i) {
    const std::string payload = draw_text(random);
    const std::string topic = draw_text(random);
    Item item = text_item(payload, topic);
    item.id = {.epoch = random(), .offset = random() >> random() % 64};
    const auto object = nlohmann::json::parse(json(item));
    REQUIRE(object.size() == 3);
    REQUIRE(object["id"] == message_id_text(item.id));
    REQUIRE(object["topic"] == topic);
    REQUIRE(object["data"] == payload);
    item.is_text = false;
    REQUIRE(nlohmann::json::parse(json(item))["base64"] == base64(payload));
  }
}

TEST_CASE("write_json: binary of every length modulo 3, and of every octet") {
  std::string octets;
  for (int c = 0; c < 256; ++c) octets += static_cast<char>(c);
  for (std::size_t size : {0u, 1u, 2u, 3u, 4u, 255u, 256u}) {
    Item item = text_item(std::string_view(octets).substr(0, size));
    item.is_text = false;
    CHECK(nlohmann::json::parse(json(item))["base64"] == base64(octets.substr(0, size)));
    const auto events = read_events(event(item));
    REQUIRE(events.size() == 1);
    CHECK(events[0].type == "binary");
    CHECK(events[0].data == base64(octets.substr(0, size)));
  }
}

TEST_CASE("write_event: exactly what is expected, one data for each line") {
  CHECK(event(text_item("")) == "id: 00000000000000ff-7\nevent: message\ndata: \n\n");
  CHECK(event(text_item("hi")) == "id: 00000000000000ff-7\nevent: message\ndata: hi\n\n");
  CHECK(event(text_item("a\nb\rc\r\nd\n")) ==
        "id: 00000000000000ff-7\nevent: message\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  CHECK(event(text_item("\n\r")) ==
        "id: 00000000000000ff-7\nevent: message\ndata: \ndata: \ndata: \n\n");
  CHECK(event(text_item(" a")) == "id: 00000000000000ff-7\nevent: message\ndata:  a\n\n");
}

TEST_CASE("write_event: a reader gets the text, its line ends as the format has them") {
  std::mt19937_64 random(2);
  for (std::uint64_t i = 0; i < peal::test::rounds(5000); ++i) {
    const std::string payload = draw_text(random);
    CAPTURE(payload);
    const auto events = read_events(event(text_item(payload)));
    REQUIRE(events.size() == 1);
    REQUIRE(events[0].id == "00000000000000ff-7");
    REQUIRE(events[0].type == "message");
    REQUIRE(events[0].data == with_line_feeds(payload));
  }
}

TEST_CASE("write_json_event: the object is one line, so nothing of a text is changed") {
  std::mt19937_64 random(3);
  for (std::uint64_t i = 0; i < peal::test::rounds(2000); ++i) {
    const std::string payload = draw_text(random);
    const std::string topic = draw_text(random);
    const Item item = text_item(payload, topic);
    const auto events = read_events(json_event(item));
    REQUIRE(events.size() == 1);
    REQUIRE(events[0].id == "00000000000000ff-7");
    REQUIRE(events[0].type == "message");
    REQUIRE(events[0].data == json(item));
  }
}

TEST_CASE("encoding: no form has more than 7 octets for one of the message") {
  // 7 times the largest message that a configuration allows must be below 4 GiB, see Segment::size.
  constexpr std::size_t kSize = 100'000;
  constexpr std::size_t kAround = 256;
  for (int c = 0; c < 128; ++c) {
    const std::string text(kSize, static_cast<char>(c));
    const Item item = text_item(text);
    CHECK(event_room(item) <= 7 * kSize + kAround);
    CHECK(json_room(item) <= 7 * kSize + kAround);
    CHECK(json_event_room(item) <= 7 * kSize + kAround);
  }
}

TEST_CASE("encoding: the room suffices for the longest id and what grows most") {
  const std::string controls(1000, '\x01');
  const std::string breaks(1000, '\n');
  for (const std::string& text : {controls, breaks, std::string(1000, '"')}) {
    Item item = text_item(text, controls);
    item.id = {.epoch = ~std::uint64_t{0}, .offset = ~std::uint64_t{0}};
    for (const bool is_text : {true, false}) {
      item.is_text = is_text;
      json(item);
      event(item);
      json_event(item);
    }
  }
}

}  // namespace
}  // namespace peal::hub::encoding_test
