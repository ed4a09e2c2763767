// SPDX-License-Identifier: Apache-2.0
// The head of a request, strictly by RFC 9112: bytes in, values out.
//
// What a proxy in front might read differently is refused. So beyond the RFC, or where it leaves a
// choice:
// - one empty line before the request line is skipped, a second one refused (section 2.2); bare LF
//   and folded fields are refused; HTTP/1.2 is 505;
// - a method that no RFC on HTTP itself names is 501 for every target, CONNECT too;
// - a target may hold any visible ASCII but `"`, `#`, `<` and `>`, since browsers send []{}|\^` as
//   they are; a path holds no `\`;
// - Host is not empty, see parse_authority(); the absolute form has the scheme http or https, and
//   the very authority that Host names;
// - Content-Length and Transfer-Encoding are there once, not as lists, not beside a tab, nor both;
//   Origin, Content-Type and Authorization are there once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/http/request.h"

namespace peal::http {

inline constexpr std::size_t kMaxHeaders = 100;      ///< field lines; more are refused with 431
inline constexpr std::size_t kMaxMethodLength = 32;  ///< characters; a longer one is refused, 501

/// How much of a head that arrives in pieces has been looked at: plain data that the connection
/// keeps, so that no piece is scanned twice.
struct HeadScan {
  std::uint32_t scanned : 31 = 0;  ///< octets from the start of the head
  /// The empty line before it was dropped: `input` begins behind it, and another one is refused.
  std::uint32_t dropped : 1 = 0;
};

/// Scratch for the connections of one reactor: nothing in it outlives a turn.
/// Owner, thread: the reactor. Errors: see Failure; the outcome is the same however the bytes were
/// cut into pieces. Limits: `header_limit` octets, kMaxHeaders fields; no allocation.
class RequestParser {
 public:
  enum class Outcome : std::uint8_t { need_more, request, failure };

  /// Parses the head at the start of `input`, which may go on with a body or further requests.
  /// Requires: `input` holds everything since the first octet of the head; `scan` is that of this
  /// head, zero at first. After `request`, `scan` is zero again, ready for the next head.
  /// `header_limit`: octets of request line and fields together, below 2 GiB.
  Outcome parse(std::string_view input, HeadScan& scan, std::size_t header_limit);

  /// Valid after Outcome::request, until the next parse() and as long as its input.
  const Request& request() const { return request_; }

  /// Valid after Outcome::failure.
  const Failure& failure() const { return failure_; }

 private:
  Request request_;
  Failure failure_;
  std::array<Header, kMaxHeaders> headers_;
};

}  // namespace peal::http
