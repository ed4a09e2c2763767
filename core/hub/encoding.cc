// SPDX-License-Identifier: Apache-2.0
#include "core/hub/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/base64.h"

namespace peal::hub {
namespace {

constexpr std::string_view kId = R"({"id":")";
constexpr std::string_view kTopic = R"(","topic":")";
constexpr std::string_view kData = R"(","data":")";
constexpr std::string_view kBase64 = R"(","base64":")";
constexpr std::string_view kEnd = R"("})";

constexpr std::string_view kEventId = "id: ";
constexpr std::string_view kText = "\nevent: message\ndata: ";
constexpr std::string_view kBinary = "\nevent: binary\ndata: ";
constexpr std::string_view kNextLine = "\ndata: ";
constexpr std::string_view kEventEnd = "\n\n";

/// What stands for a character in a JSON string (RFC 8259 section 7): 0 for itself, 'u' for \u00XX.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes{};
  for (int c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}();

char escape_of(char c) {
  return kEscapes[static_cast<unsigned char>(c)];
}

char* put(char* to, std::string_view text) {
  return std::ranges::copy(text, to).out;
}

char* chars(std::byte* octets) {
  return reinterpret_cast<char*>(octets);
}
std::byte* octets(char* text) {
  return reinterpret_cast<std::byte*>(text);
}

char* put_json(char* to, const Item& item) {
  to = write_message_id(put(to, kId), item.id);
  to = write_json_string(put(to, kTopic), item.topic);
  if (item.is_text)
    to = write_json_string(put(to, kData), as_text(item.payload));
  else
    to = write_base64(put(to, kBase64), item.payload);
  return put(to, kEnd);
}

char* put_lines(char* to, std::string_view text) {
  while (true) {
    const std::size_t end = text.find_first_of("\r\n");
    to = put(to, text.substr(0, end));
    if (end == text.npos) return to;
    text.remove_prefix(text.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
    to = put(to, kNextLine);
  }
}

}  // namespace

std::size_t json_string_size(std::string_view text) {
  std::size_t size = text.size();
  for (const char c : text)
    if (const char escape = escape_of(c)) size += escape == 'u' ? 5 : 1;
  return size;
}

char* write_json_string(char* to, std::string_view text) {
  while (!text.empty()) {
    const auto special = std::ranges::find_if(text, [](char c) { return escape_of(c) != 0; });
    const auto plain = static_cast<std::size_t>(special - text.begin());
    to = put(to, text.substr(0, plain));
    if (plain == text.size()) break;
    const char escape = escape_of(text[plain]);
    *to++ = '\\';
    *to++ = escape;
    if (escape == 'u') {
      const auto code = static_cast<unsigned char>(text[plain]);
      to = put(to, "00");
      *to++ = "01"[code >> 4];
      *to++ = "0123456789abcdef"[code & 15];
    }
    text.remove_prefix(plain + 1);
  }
  return to;
}

std::size_t json_room(const Item& item) {
  const std::size_t data =
      item.is_text ? json_string_size(as_text(item.payload)) : base64_size(item.payload.size());
  return kId.size() + kMaxMessageIdText + kTopic.size() + json_string_size(item.topic) +
         kBase64.size() + data + kEnd.size();
}

std::byte* write_json(std::byte* to, const Item& item) {
  return octets(put_json(chars(to), item));
}

std::size_t event_room(const Item& item) {
  const std::size_t around = kEventId.size() + kMaxMessageIdText + kText.size() + kEventEnd.size();
  if (!item.is_text) return around + base64_size(item.payload.size());
  const auto breaks =
      std::ranges::count_if(as_text(item.payload), [](char c) { return c == '\r' || c == '\n'; });
  // In place of the break.
  const std::size_t more = static_cast<std::size_t>(breaks) * (kNextLine.size() - 1);
  return around + item.payload.size() + more;
}

std::byte* write_event(std::byte* to, const Item& item) {
  char* end = write_message_id(put(chars(to), kEventId), item.id);
  if (item.is_text)
    end = put_lines(put(end, kText), as_text(item.payload));
  else
    end = write_base64(put(end, kBinary), item.payload);
  return octets(put(end, kEventEnd));
}

std::size_t json_event_room(const Item& item) {
  return kEventId.size() + kMaxMessageIdText + kText.size() + json_room(item) + kEventEnd.size();
}

std::byte* write_json_event(std::byte* to, const Item& item) {
  char* end = write_message_id(put(chars(to), kEventId), item.id);
  end = put_json(put(end, kText), item);
  return octets(put(end, kEventEnd));
}

}  // namespace peal::hub
