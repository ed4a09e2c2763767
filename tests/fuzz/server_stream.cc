// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/server_stream.h"

#include <algorithm>
#include <array>

#include "core/base/ascii.h"
#include "core/base/check.h"
#include "core/ws/handshake.h"
#include "core/ws/protocol.h"
#include "tests/unit/ws/reference_utf8.h"

namespace peal::fuzz {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kVersion = "HTTP/1.1 ";
constexpr std::size_t kLongestHead = 4096;

/// Calls `visit` with the name and value of each field of a head, the first line left out.
template <class Visit>
void for_each_field(std::string_view head, Visit&& visit) {
  for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      visit(line.substr(0, colon), ascii::trim(line.substr(colon + 1)));
    at = end + 2;
  }
}

std::string_view field(std::string_view head, std::string_view wanted) {
  std::string_view found;
  for_each_field(head, [&](std::string_view name, std::string_view value) {
    if (ascii::equal_ignoring_case(name, wanted)) found = value;
  });
  return found;
}

bool contains(std::string_view text, std::string_view word) {
  return !std::ranges::search(text, word, {}, ascii::lower, ascii::lower).empty();
}

/// RFC 6455 section 4.2.1, as far as any server must look.
bool is_proper_upgrade(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  return line.starts_with("GET /") && line.ends_with(" HTTP/1.1") &&
         field(head, "Sec-WebSocket-Version") == "13" && !field(head, "Host").empty() &&
         contains(field(head, "Upgrade"), "websocket") &&
         contains(field(head, "Connection"), "upgrade") &&
         field(head, "Sec-WebSocket-Key").size() == 24;
}

/// Whether the 101 in `answer` is what some request in `asked` called for. One may begin behind a
/// body, wherever that ends.
bool was_asked_for(std::string_view answer, std::string_view asked) {
  for (std::size_t at = asked.find("GET /"); at != std::string_view::npos;
       at = asked.find("GET /", at + 1)) {
    const std::size_t end = asked.find(kEnd, at);
    if (end == std::string_view::npos) return false;
    const std::string_view head = asked.substr(at, end + kEnd.size() - at);
    if (!is_proper_upgrade(head)) continue;
    const auto checked = ws::check_server_answer(answer, field(head, "Sec-WebSocket-Key"));
    if (checked.kind == ws::ServerAnswer::Kind::accepted) return true;
  }
  return false;
}

int status_of(std::string_view head) {
  PEAL_CHECK(head.starts_with(kVersion) && head.size() > kVersion.size() + 4);
  const auto status = ascii::parse_decimal(head.substr(kVersion.size(), 3));
  PEAL_CHECK(status && *status >= 100 && head[kVersion.size() + 3] == ' ');
  return static_cast<int>(*status);
}

void check_lines(std::string_view head) {
  for (std::size_t at = 0; at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    PEAL_CHECK(at == 0 || line.find(':') != std::string_view::npos);
    PEAL_CHECK(std::ranges::none_of(line, [](unsigned char octet) { return octet < ' '; }));
    at = end + 2;
  }
}

bool is_utf8(std::string_view text) {
  ws::test::ReferenceUtf8 reference;
  for (const char octet : text) reference.feed(octet);
  return reference.valid() && reference.complete();
}

}  // namespace

void ServerStream::take(std::string_view octets) {
  rest_ += octets;
  const auto take_one = [this] {
    if (upgraded_) return take_frame();
    return streams_ ? take_line() : take_answer();
  };
  while (!rest_.empty() && take_one()) {
  }
}

/// False when octets are missing.
bool ServerStream::take_answer() {
  awaits_body_.clear();
  const std::size_t end = rest_.find(kEnd);
  PEAL_CHECK(std::min(end, rest_.size()) <= kLongestHead);
  if (end == std::string::npos) return false;
  const std::string_view head = std::string_view(rest_).substr(0, end + kEnd.size());
  const int status = status_of(head);
  check_lines(head);
  std::size_t length = 0;
  if (status == 101) {
    PEAL_CHECK(was_asked_for(head, asked_));
    upgraded_ = true;
    may_deflate_ = field(head, "Sec-WebSocket-Extensions").starts_with("permessage-deflate");
  } else if (field(head, "Content-Type") == "text/event-stream") {
    PEAL_CHECK(status == 200 && field(head, "Content-Length").empty());
    streams_ = true;
  } else if (status >= 200 && status != 204 && status != 304) {
    const auto announced = ascii::parse_decimal(field(head, "Content-Length"));
    // RFC 9110 section 8.6: the answer to a HEAD need not say how long it would be.
    PEAL_CHECK(announced || asked_.find("HEAD /") != std::string::npos);
    length = announced.value_or(0);
  }
  // No body of ours begins like an answer: what does is the next one, and this one answers a HEAD.
  const std::string_view after = std::string_view(rest_).substr(head.size());
  if (after.starts_with(kVersion)) length = 0;
  if (after.size() < length) {
    if (after.empty()) awaits_body_ = rest_;
    return false;
  }
  rest_.erase(0, head.size() + length);
  ++answers;
  return true;
}

/// WHATWG HTML, section 9.2.5: of the fields that there are, in UTF-8.
bool ServerStream::take_line() {
  const std::size_t end = rest_.find('\n');
  if (end == std::string::npos) return false;
  const std::string_view line = std::string_view(rest_).substr(0, end);
  constexpr std::array<std::string_view, 6> kFields = {
      "data: ", "id: ", "event: ", "retry: ", ":", "data"};
  PEAL_CHECK(line.empty() || std::ranges::any_of(kFields, [&](std::string_view name) {
               return line.starts_with(name);
             }));
  PEAL_CHECK(is_utf8(line) && line.find('\r') == line.npos);
  if (line.starts_with("data: ")) messages.emplace_back(line.substr(6));
  rest_.erase(0, end + 1);
  return true;
}

bool ServerStream::take_frame() {
  PEAL_CHECK(!close_code);  // nothing follows a close frame
  const auto octet = [this](std::size_t at) { return static_cast<std::uint8_t>(rest_[at]); };
  if (rest_.size() < 2) return false;
  const unsigned opcode = octet(0) & 0x0f;
  const bool control = opcode >= 8;
  const bool deflated = octet(0) & 0x40;
  PEAL_CHECK(opcode == 1 || opcode == 2 || (opcode >= 8 && opcode <= 10));
  PEAL_CHECK(octet(0) & 0x80);  // we never send fragments
  PEAL_CHECK((octet(0) & 0x30) == 0 && (!deflated || (may_deflate_ && !control)));
  PEAL_CHECK((octet(1) & 0x80) == 0);
  std::uint64_t length = octet(1);
  PEAL_CHECK(!control || length <= ws::kMaxControlPayload);
  std::size_t header = 2;
  if (length >= 126) {
    const std::size_t more = length == 126 ? 2 : 8;
    if (rest_.size() < header + more) return false;
    length = 0;
    for (std::size_t i = 0; i < more; ++i) length = length << 8 | octet(header + i);
    PEAL_CHECK(length >= (more == 2 ? 126 : 65'536));
    header += more;
  }
  if (rest_.size() < header + length) return false;
  take_payload(opcode, deflated, std::string_view(rest_).substr(header, length));
  rest_.erase(0, header + length);
  return true;
}

void ServerStream::take_payload(unsigned opcode, bool deflated, std::string_view payload) {
  switch (static_cast<ws::Opcode>(opcode)) {
    case ws::Opcode::text:
      PEAL_CHECK(deflated || is_utf8(payload));
      [[fallthrough]];
    case ws::Opcode::binary:
      messages.emplace_back(payload);
      break;
    case ws::Opcode::ping:
      pings.emplace_back(payload);
      break;
    case ws::Opcode::close: {
      close_code = static_cast<std::uint16_t>(ws::CloseCode::no_status);
      if (payload.empty()) break;
      PEAL_CHECK(payload.size() >= 2 && is_utf8(payload.substr(2)));
      close_code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                              static_cast<std::uint8_t>(payload[1]));
      PEAL_CHECK(ws::is_valid_close_code_on_wire(*close_code));
      break;
    }
    default:
      break;  // a pong
  }
}

}  // namespace peal::fuzz
