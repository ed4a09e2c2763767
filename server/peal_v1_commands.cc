// SPDX-License-Identifier: Apache-2.0
#include "server/peal_v1_commands.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/base64.h"
#include "core/base/utf8.h"
#include "server/half_pairs.h"

namespace peal::server {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kKeep = 64 << 10;   // characters of a command that memory is kept for
constexpr std::size_t kDepth = 16;        // of nesting, where a command needs 1
constexpr std::size_t kLongestName = 32;  // characters of a strange key that is named
constexpr std::uint64_t kLargestRef = 0x7fffffff;
constexpr std::uint64_t kLargestLast = 1'000'000;

using Problem = std::optional<std::string>;

/// The members of a command's object.
struct Members {
  std::optional<std::string_view> subscribe;
  std::optional<std::string_view> unsubscribe;
  std::optional<std::string_view> publish;
  std::optional<std::string_view> data;
  std::optional<std::string_view> base64;
  std::optional<std::string_view> since;
  std::optional<std::uint32_t> last;
  std::optional<std::uint32_t> ref;

  int commands() const {
    const bool publishes = publish || data || base64;
    return subscribe.has_value() + unsubscribe.has_value() + publishes;
  }
};

std::string quoted(std::string_view key) {
  return '"' + std::string(key) + '"';
}

Problem take_text(std::string_view key, dom::element value,
                  std::optional<std::string_view>& member) {
  std::string_view text;
  if (value.get_string().get(text)) return quoted(key) + " must be a string";
  // Other versions of simdjson let some halves of surrogate pairs pass.
  if (!is_utf8(as_bytes(text))) return quoted(key) + " has half a surrogate pair";
  if (member) return quoted(key) + " is there twice";
  member = text;
  return {};
}

Problem take_number(std::string_view key, dom::element value, std::uint64_t most,
                    std::optional<std::uint32_t>& member) {
  std::uint64_t number = 0;
  if (!value.is_uint64() || value.get_uint64().get(number) || number > most)
    return quoted(key) + " must be a whole number from 0 to " + std::to_string(most);
  if (member) return quoted(key) + " is there twice";
  member = static_cast<std::uint32_t>(number);
  return {};
}

Problem take(std::string_view key, dom::element value, Members& members) {
  if (key == "subscribe") return take_text(key, value, members.subscribe);
  if (key == "unsubscribe") return take_text(key, value, members.unsubscribe);
  if (key == "publish") return take_text(key, value, members.publish);
  if (key == "data") return take_text(key, value, members.data);
  if (key == "base64") return take_text(key, value, members.base64);
  if (key == "since") return take_text(key, value, members.since);
  if (key == "last") return take_number(key, value, kLargestLast, members.last);
  if (key == "ref") return take_number(key, value, kLargestRef, members.ref);
  if (key.size() > kLongestName) return "it has a key that no command has";
  return "no command has " + quoted(key);
}

/// What members that do not go together say; nullopt where they do.
Problem contradiction(const Members& members) {
  if (members.commands() == 0)
    return R"(it has neither "subscribe" nor "unsubscribe", "publish", "data" or "base64")";
  if (members.commands() > 1) return "it is more than one command";
  if ((members.since || members.last) && !members.subscribe)
    return R"("since" and "last" are for "subscribe")";
  if (members.since && members.last) return R"("since" and "last" exclude each other)";
  if (members.data && members.base64) return R"("data" and "base64" exclude each other)";
  if (members.publish && !members.data && !members.base64)
    return R"("publish" needs "data" or "base64")";
  return {};
}

}  // namespace

struct PealReader::Json {
  dom::parser parser;
  std::vector<char> input;         // the text, padded as the parser wants it
  std::vector<std::byte> decoded;  // from base64
  bool had_half_pairs = false;     // in the text, not in the document that came of it

  /// Gives back what a long command took.
  void trim() {
    if (input.size() <= kKeep + simdjson::SIMDJSON_PADDING) return;
    *this = Json();
  }

  simdjson::error_code parse(std::string_view text, dom::element& document) {
    trim();
    const std::size_t room = std::max(text.size(), kKeep);
    if (parser.capacity() < room)
      if (const auto error = parser.allocate(room, kDepth)) return error;
    if (input.size() < room + simdjson::SIMDJSON_PADDING)
      input.resize(room + simdjson::SIMDJSON_PADDING);
    if (!text.empty()) std::memcpy(input.data(), text.data(), text.size());
    std::memset(input.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    const auto error = parser.parse(input.data(), text.size(), false).get(document);
    had_half_pairs =
        error == simdjson::STRING_ERROR && replace_half_pairs({input.data(), text.size()});
    if (!had_half_pairs) return error;
    return parser.parse(input.data(), text.size(), false).get(document);
  }

  Problem decode(std::string_view base64, std::string_view& payload) {
    decoded.resize(std::max(decoded.size(), base64.size() / 4 * 3));
    const auto size = read_base64(base64, decoded.data());
    if (!size) return R"("base64" is no base64 with its padding)";
    payload = as_text(Bytes(decoded).first(*size));
    return {};
  }

  Problem fill(const Members& members, PealCommand& command);
};

Problem PealReader::Json::fill(const Members& members, PealCommand& command) {
  using Kind = PealCommand::Kind;
  command.ref = members.ref;
  command.last = members.last;
  if (members.subscribe || members.unsubscribe) {
    command.kind = members.subscribe ? Kind::subscribe : Kind::unsubscribe;
    command.topic = members.subscribe ? *members.subscribe : *members.unsubscribe;
    if (!members.since) return {};
    const auto position = hub::parse_position(*members.since, 1);
    if (!position) return R"("since" is no id of a message)";
    command.since = {position->epoch, position->offsets.front()};
    return {};
  }
  command.kind = Kind::publish;
  if (members.publish && members.publish->empty()) return R"("publish" names no topic)";
  command.topic = members.publish.value_or("");
  command.is_text = members.data.has_value();
  command.payload = members.data.value_or("");
  return members.base64 ? decode(*members.base64, command.payload) : std::nullopt;
}

PealReader::PealReader() : json_(std::make_unique<Json>()) {}
PealReader::~PealReader() = default;

std::expected<PealCommand, PealProblem> PealReader::read(std::string_view text) {
  dom::element document;
  if (const auto error = json_->parse(text, document))
    return std::unexpected(PealProblem{
        kNotJson, std::string("this is not JSON: ") + simdjson::error_message(error), {}});
  dom::object object;
  if (document.get_object().get(object))
    return std::unexpected(PealProblem{kNotJson, "a command is a JSON object", {}});
  Members members;
  Problem problem;
  if (json_->had_half_pairs) problem = "a string has half a surrogate pair, which is no character";
  for (const auto [key, value] : object) {
    const Problem found = take(key, value, members);
    if (!problem) problem = found;
  }
  if (!problem) problem = contradiction(members);
  PealCommand command;
  if (!problem) problem = json_->fill(members, command);
  if (problem) return std::unexpected(PealProblem{kBadCommand, *std::move(problem), members.ref});
  return command;
}

}  // namespace peal::server
