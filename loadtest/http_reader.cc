// SPDX-License-Identifier: Apache-2.0
#include "loadtest/http_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "core/base/ascii.h"

namespace peal::loadtest {
namespace {

constexpr std::size_t kMaxHead = 16 << 10;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

bool may_be_http(std::string_view front) {
  constexpr std::string_view kFront = "HTTP/1.";
  return front.substr(0, kFront.size()) == kFront.substr(0, std::min(kFront.size(), front.size()));
}

HttpReader::Step HttpReader::next(MutableBytes& input) {
  if (state_ == State::head) {
    if (!take_head(input)) {
      if (head_.size() <= kMaxHead && may_be_http(head_)) return {};
      status_line_ = head_.substr(0, head_.find("\r\n"));
      return {Outcome::failed};
    }
    return {read_head() ? Outcome::head : Outcome::failed};
  }
  if (state_ == State::endless) {
    const Step step{input.empty() ? Outcome::need_more : Outcome::body, input};
    input = {};
    return step;
  }
  const auto [outcome, payload] = body_.next(input);
  switch (outcome) {
    case http::BodyReader::Outcome::need_more:
      return {};
    case http::BodyReader::Outcome::payload:
      return {Outcome::body, payload};
    case http::BodyReader::Outcome::done:
      state_ = State::head;
      return {Outcome::done};
    case http::BodyReader::Outcome::failure:
      break;
  }
  return {Outcome::failed};
}

/// Gathers octets up to the end of the head; false when that has not come.
bool HttpReader::take_head(MutableBytes& input) {
  const std::size_t before = head_.size();
  head_ += as_text(input);
  const auto end = head_.find(kHeadEnd, before < kHeadEnd.size() ? 0 : before - kHeadEnd.size());
  if (end == std::string::npos) {
    input = {};
    return false;
  }
  const std::size_t size = end + kHeadEnd.size();
  input = input.subspan(size - before);
  head_.resize(size);
  return true;
}

bool HttpReader::read_head() {
  std::string_view rest = head_;
  const auto line_end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, line_end);
  const auto status = ascii::parse_decimal(line.substr(std::min<std::size_t>(9, line.size()), 3));
  status_line_ = line;
  if (!line.starts_with("HTTP/1.") || !status) return false;
  status_ = static_cast<int>(*status);
  event_stream_ = false;
  std::optional<std::uint64_t> length;
  http::Request framing;  // the fields that say how long a body is are those of a request
  rest.remove_prefix(line_end + 2);
  while (!rest.empty()) {
    const std::string_view field = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(field.size() + 2);
    const auto colon = std::min(field.find(':'), field.size());
    const std::string_view name = field.substr(0, colon);
    const std::string_view value = ascii::trim(field.substr(std::min(colon + 1, field.size())));
    if (ascii::equal_ignoring_case(name, "Content-Length")) {
      length = ascii::parse_decimal(value);
      if (!length) return false;
    } else if (ascii::equal_ignoring_case(name, "Transfer-Encoding")) {
      framing.chunked = ascii::equal_ignoring_case(value, "chunked");
    } else if (ascii::equal_ignoring_case(name, "Content-Type")) {
      const std::string_view type = ascii::trim(value.substr(0, value.find(';')));
      event_stream_ = ascii::equal_ignoring_case(type, "text/event-stream");
    }
  }
  head_.clear();
  const bool bodiless = status_ / 100 == 1 || status_ == 204 || status_ == 304;
  if (bodiless) length = 0;
  framing.chunked = framing.chunked && !bodiless;
  framing.content_length = length.value_or(0);
  const bool endless = !framing.chunked && !length;
  state_ = endless ? State::endless : State::sized;
  if (!endless) body_ = http::BodyReader(framing, std::numeric_limits<std::uint64_t>::max());
  return true;
}

}  // namespace peal::loadtest
