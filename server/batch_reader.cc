// SPDX-License-Identifier: Apache-2.0
#include "server/batch_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "config/topic_pattern.h"
#include "core/base/base64.h"
#include "core/base/utf8.h"
#include "server/half_pairs.h"

namespace peal::server {
namespace {

// A line takes this and six characters an octet ("\u0000") at most, but for needless blanks. More
// is not read: what it takes to read a line is some ten times its size.
constexpr std::uint64_t kMostAround = 8 << 10;
constexpr std::uint64_t kMostEscaped = 6;

enum class Key : std::uint8_t { topic, data, base64 };
constexpr std::array<std::string_view, 3> kKeys{"topic", "data", "base64"};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/// Takes the first line, without its end, off the front.
std::string_view take_line(Bytes& rest) {
  const std::string_view text = as_text(rest);
  const std::size_t end = std::min(text.find('\n'), text.size());
  rest = rest.subspan(std::min(end + 1, text.size()));
  return text.substr(0, end);
}

std::string_view describe(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::STRING_ERROR:
      return "a string has an escape that JSON does not know";
    case simdjson::UNESCAPED_CHARS:
      return "a string has a control character that is not escaped";
    case simdjson::UNCLOSED_STRING:
      return "a string has no end";
    case simdjson::MEMALLOC:
      return "there is no memory to read it";
    default:
      return "it is not JSON";
  }
}

bool has_half_pair(std::string_view text) {
  std::string copy(text);
  return replace_half_pairs(copy);
}

std::string in_quotes(Key key) {
  return '"' + std::string(kKeys[static_cast<std::size_t>(key)]) + '"';
}

}  // namespace

struct BatchParser::Json {
  simdjson::dom::parser parser;
};

BatchParser::BatchParser() : json_(std::make_unique<Json>()) {}
BatchParser::~BatchParser() = default;

void BatchParser::trim() {
  if (json_->parser.capacity() > kKeep) json_ = std::make_unique<Json>();
  if (octets_.capacity() > kKeep) octets_ = {};
}

BatchReader::Outcome BatchReader::next(BatchParser& parser, Bytes& rest) {
  if (rest.empty()) return Outcome::end;
  const std::string_view text = take_line(rest);
  ++number_;
  if (std::ranges::all_of(text, is_blank)) return Outcome::blank;
  return read(parser, text) ? Outcome::message : Outcome::failure;
}

bool BatchReader::fail(std::string_view why) {
  problem_ = "line " + std::to_string(number_) + ": " + std::string(why);
  return false;
}

bool BatchReader::read(BatchParser& parser, std::string_view text) {
  line_ = {};
  if (text.size() > kMostEscaped * message_size_ + kMostAround)
    return fail("it is longer than any message may make it");
  if (!read_fields(parser, text)) return false;
  if (line_.payload.size() > message_size_)
    return fail("the message has " + std::to_string(line_.payload.size()) + " bytes, " +
                std::to_string(message_size_) + " is the most");
  // Other versions of simdjson let some halves of surrogate pairs pass.
  if (line_.is_text && !is_utf8(line_.payload)) return fail("\"data\" has half a surrogate pair");
  return true;
}

bool BatchReader::read_fields(BatchParser& parser, std::string_view text) {
  simdjson::dom::element element;
  if (const auto error = parser.json_->parser.parse(text.data(), text.size()).get(element))
    return fail(error == simdjson::STRING_ERROR && has_half_pair(text)
                    ? "a string has half a surrogate pair, which is no character"
                    : describe(error));
  simdjson::dom::object object;
  if (element.get(object)) return fail("it is no JSON object");
  std::array<std::optional<std::string_view>, kKeys.size()> values;
  for (const auto field : object) {
    const auto found = std::ranges::find(kKeys, field.key);
    if (found == kKeys.end()) return fail(R"(it has a key besides "topic", "data" and "base64")");
    const auto index = static_cast<std::size_t>(found - kKeys.begin());
    const Key key{static_cast<std::uint8_t>(index)};
    if (values[index]) return fail("it has " + in_quotes(key) + " twice");
    std::string_view value;
    if (field.value.get(value)) return fail(in_quotes(key) + " is no string");
    values[index] = value;
  }
  const auto [topic, data, base64] = values;
  if (data.has_value() == base64.has_value())
    return fail(data ? R"(it has both "data" and "base64")"
                     : R"(it has neither "data" nor "base64")");
  line_.topic = topic.value_or(std::string_view{});
  line_.is_text = data.has_value();
  if (data) {
    line_.payload = as_bytes(*data);
    return take_topic(topic.has_value());
  }
  parser.octets_.resize(base64->size() / 4 * 3);
  const auto size = read_base64(*base64, parser.octets_.data());
  if (!size) return fail("\"base64\" is no base64 with its padding");
  line_.payload = Bytes(parser.octets_).first(*size);
  return take_topic(topic.has_value());
}

bool BatchReader::take_topic(bool given) {
  if (!given && !topics_.only())
    return fail("it has no \"topic\", and the path names not just one");
  if (!given) line_.topic = *topics_.only();
  if (const auto problem = config::topic_name_problem(line_.topic))
    return fail((given ? "\"topic\" is no topic: " : "the path makes no topic: ") +
                std::string(*problem));
  if (given && !topics_.has(line_.topic)) return fail("the path does not have its \"topic\"");
  return true;
}

}  // namespace peal::server
