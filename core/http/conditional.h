// SPDX-License-Identifier: Apache-2.0
// Preconditions of a request (RFC 9110 section 13).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/request.h"

namespace peal::http {

/// What a representation is compared by.
struct Validators {
  std::string_view etag;           ///< with its quotes, and "W/" when weak
  std::int64_t last_modified = 0;  ///< seconds since 1970
};

enum class Precondition : std::uint8_t {
  holds,         ///< answer as if there were none
  not_modified,  ///< 304
  failed,        ///< 412
};

/// If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since for a GET or HEAD of something
/// that exists, in the order of section 13.2.2. A date that cannot be read is ignored.
Precondition evaluate_preconditions(const Request& request, const Validators& current);

/// True when Range is to be heeded: no If-Range, or one that names the current representation by a
/// strong entity tag or its exact date (section 13.1.5).
bool if_range_holds(const Request& request, const Validators& current);

}  // namespace peal::http
