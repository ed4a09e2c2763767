// SPDX-License-Identifier: Apache-2.0
// Bodies of requests for the tests of BodyReader, and for the fuzzer: reading one in pieces, and a
// second reader that sees the whole text at once and is written another way.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/ascii.h"
#include "core/http/body_reader.h"

namespace peal::http::test {

/// What came of a body.
struct ReadBody {
  BodyReader::Outcome outcome = BodyReader::Outcome::need_more;
  std::string payload;
  std::size_t consumed = 0;  ///< octets, of a body that is done
  int status = 0;            ///< of a failure
  std::string_view reason;   ///< of a failure

  bool done() const { return outcome == BodyReader::Outcome::done; }
  friend bool operator==(const ReadBody&, const ReadBody&) = default;
};

/// Reads `text`, which goes on after the body or not, in pieces of `size_of_next()` octets.
template <class SizeOfNext>
ReadBody read_body(BodyReader reader, std::string text, SizeOfNext&& size_of_next) {
  using Outcome = BodyReader::Outcome;
  ReadBody read;
  const MutableBytes all = std::as_writable_bytes(std::span(text));
  std::size_t at = 0;
  std::size_t begun = 0;  // octets that the reader was shown
  MutableBytes input;
  while (true) {
    const BodyReader::Step step = reader.next(input);
    at = begun - input.size();
    read.payload += as_text(step.payload);
    read.outcome = step.outcome;
    if (step.outcome == Outcome::done) {
      read.consumed = at;
      return read;
    }
    if (step.outcome == Outcome::failure) {
      read.status = reader.failure().status;
      read.reason = reader.failure().reason;
      return read;
    }
    if (step.outcome == Outcome::payload) continue;
    if (begun == all.size()) return read;
    const std::size_t size = std::min<std::size_t>(size_of_next(), all.size() - begun);
    input = all.subspan(begun, size);
    begun += size;
  }
}

inline ReadBody read_body(const BodyReader& reader, std::string_view text) {
  return read_body(reader, std::string(text), [] { return std::size_t{1} << 30; });
}

/// The line that begins `text`, without its end; nullopt without one, or with a control character.
inline std::optional<std::string_view> first_line(std::string_view text) {
  const std::string_view line = text.substr(0, text.find("\r\n"));
  if (line.size() == text.size()) return std::nullopt;
  for (const char c : line)
    if (c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) return std::nullopt;
  return line;
}

/// The payload of the chunked body that `text` begins with, and its size; nullopt when it is not
/// whole, or wrong, or above a limit.
inline std::optional<ReadBody> decode_chunked(std::string_view text, std::uint64_t limit) {
  ReadBody read;
  read.outcome = BodyReader::Outcome::done;
  const std::size_t whole = text.size();
  std::size_t extensions = 0;
  while (true) {
    const auto line = first_line(text);
    if (!line) return std::nullopt;
    const std::string_view digits =
        line->substr(0, line->find_first_not_of("0123456789abcdefABCDEF"));
    const std::string_view rest = line->substr(digits.size());
    const bool extended = ascii::trim(rest).starts_with(';');
    if (digits.empty() || digits.size() > 16 || (!rest.empty() && !extended)) return std::nullopt;
    extensions += rest.size();
    const std::uint64_t size = std::stoull(std::string(digits), nullptr, 16);
    if (extensions > kMaxExtensions || size > limit - read.payload.size()) return std::nullopt;
    text.remove_prefix(line->size() + 2);
    if (size == 0) break;
    if (text.size() < size + 2 || text.substr(size, 2) != "\r\n") return std::nullopt;
    read.payload += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
  const std::size_t trailers = text.size();
  while (true) {
    const auto line = first_line(text);
    if (!line) return std::nullopt;
    text.remove_prefix(line->size() + 2);
    if (trailers - text.size() > kMaxTrailers) return std::nullopt;
    if (line->empty()) break;
    const auto colon = line->find(':');
    if (colon == line->npos || !ascii::is_token(line->substr(0, colon))) return std::nullopt;
  }
  read.consumed = whole - text.size();
  return read;
}

}  // namespace peal::http::test
