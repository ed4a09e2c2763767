// SPDX-License-Identifier: Apache-2.0
#include "server/half_pairs.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

namespace peal::server {
namespace {

constexpr std::size_t kEscape = 6;  // characters of "\u0000"

/// The value of the "\u0000" that `text` begins with, if it does.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < kEscape || !text.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* const end = text.data() + kEscape;
  const auto parsed = std::from_chars(text.data() + 2, end, unit, 16);
  return parsed.ptr == end ? std::optional(unit) : std::nullopt;
}

bool is_first_half(std::optional<unsigned> unit) {
  return unit && *unit >= 0xd800 && *unit < 0xdc00;
}

bool is_second_half(std::optional<unsigned> unit) {
  return unit && *unit >= 0xdc00 && *unit < 0xe000;
}

}  // namespace

bool replace_half_pairs(std::span<char> json) {
  constexpr std::string_view kInstead = "\\u003f";
  const std::string_view text(json.data(), json.size());
  bool any = false;
  for (std::size_t at = 0; (at = text.find('\\', at)) != std::string_view::npos;) {
    const auto unit = escaped_unit(text.substr(at));
    if (!unit) {
      at += 2;  // what is escaped may be a backslash
    } else if (is_first_half(unit) && is_second_half(escaped_unit(text.substr(at + kEscape)))) {
      at += 2 * kEscape;
    } else {
      const bool half = is_first_half(unit) || is_second_half(unit);
      if (half) std::ranges::copy(kInstead, json.begin() + static_cast<std::ptrdiff_t>(at));
      any |= half;
      at += kEscape;
    }
  }
  return any;
}

}  // namespace peal::server
