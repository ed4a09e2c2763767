// SPDX-License-Identifier: Apache-2.0
// Dates of HTTP (RFC 9110 section 5.6.7). Times are seconds since 1970-01-01T00:00:00Z.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/short_text.h"

namespace peal::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT": always 29 characters.
using DateText = ShortText<29>;

/// Times before the year 0 or after 9999 become the nearest that can be written.
DateText format_date(std::int64_t seconds);

/// Reads IMF-fixdate and the two obsolete forms. Nullopt for anything else, and for days that the
/// calendar does not have; the name of the day is not compared. Two-digit years are 1970 to 2069.
std::optional<std::int64_t> parse_date(std::string_view text);

}  // namespace peal::http
