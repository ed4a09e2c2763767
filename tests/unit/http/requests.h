// SPDX-License-Identifier: Apache-2.0
// Requests for the tests of everything that reads them, and for the fuzzers.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/http/request_parser.h"

namespace peal::http::test {

inline constexpr std::size_t kLimit = 16 << 10;

/// One parse, with what its result refers to. Neither copied nor moved: views point into it.
struct Parsed {
  std::string text;
  RequestParser parser{};
  HeadScan scan{};
  RequestParser::Outcome outcome{};

  explicit Parsed(std::string_view head, std::size_t limit = kLimit)
      : text(head), outcome(parser.parse(text, scan, limit)) {}
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;

  bool accepted() const { return outcome == RequestParser::Outcome::request; }
  const Request& request() const { return parser.request(); }
  /// 0 unless refused.
  int status() const {
    return outcome == RequestParser::Outcome::failure ? parser.failure().status : 0;
  }
};

inline bool same(const Request& a, const Request& b) {
  const auto same_field = [](const Header& x, const Header& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.method == b.method && a.target == b.target && a.path == b.path && a.query == b.query &&
         a.scheme == b.scheme && a.host == b.host && a.expects_continue == b.expects_continue &&
         a.content_length == b.content_length && a.chunked == b.chunked &&
         a.minor_version == b.minor_version && a.keep_alive == b.keep_alive &&
         std::ranges::equal(a.headers, b.headers, same_field);
}

/// True when both came to the same outcome for the same reason.
inline bool same(const Parsed& whole, const Parsed& pieces) {
  if (whole.outcome != pieces.outcome) return false;
  switch (whole.outcome) {
    case RequestParser::Outcome::need_more:
      return true;
    case RequestParser::Outcome::request:
      return whole.request().head_size == pieces.request().head_size &&
             same(whole.request(), pieces.request());
    case RequestParser::Outcome::failure:
      return whole.parser.failure().status == pieces.parser.failure().status &&
             whole.parser.failure().reason == pieces.parser.failure().reason;
  }
  return false;
}

/// Goes on with `parsed` when it is not done yet: `more` arrives, and the text may have moved.
inline void feed(Parsed& parsed, std::string_view more, std::size_t limit = kLimit) {
  if (parsed.outcome != RequestParser::Outcome::need_more) return;
  parsed.text.append(more);
  parsed.outcome = parsed.parser.parse(parsed.text, parsed.scan, limit);
}

/// The head again, in its plainest form.
inline std::string serialise(const Request& request) {
  std::string text(request.method);
  text.append(" ").append(request.target).append(" HTTP/1.");
  text.append(std::to_string(request.minor_version)).append("\r\n");
  for (const Header& field : request.headers)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text.append("\r\n");
}

}  // namespace peal::http::test
