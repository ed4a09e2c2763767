// SPDX-License-Identifier: Apache-2.0
#include "core/http/range.h"

#include <algorithm>
#include <optional>

#include "core/base/ascii.h"
#include "core/base/check.h"

namespace peal::http {
namespace {

using Kind = RangeChoice::Kind;

/// "-500": the last bytes.
RangeChoice choose_suffix(std::string_view digits, std::uint64_t size) {
  const auto wanted = ascii::parse_decimal(digits);
  if (!wanted || size == 0) return {};
  const std::uint64_t length = std::min(*wanted, size);
  if (length == 0) return {Kind::unsatisfiable};
  return {Kind::part, size - length, length};
}

}  // namespace

RangeChoice choose_range(std::string_view range, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!ascii::equal_ignoring_case(range.substr(0, kUnit.size()), kUnit)) return {};
  const std::string_view spec = ascii::trim(range.substr(kUnit.size()));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view last_digits = spec.substr(dash + 1);
  if (dash == 0) return choose_suffix(last_digits, size);

  // The comma of a set of ranges is no digit either: a set is answered with the whole.
  const auto first = ascii::parse_decimal(spec.substr(0, dash));
  const auto last = last_digits.empty() ? std::optional<std::uint64_t>(UINT64_MAX)
                                        : ascii::parse_decimal(last_digits);
  if (!first || !last || *last < *first) return {};
  if (*first >= size) return {Kind::unsatisfiable};
  return {Kind::part, *first, std::min(*last, size - 1) - *first + 1};
}

ContentRange content_range(const RangeChoice& choice, std::uint64_t size) {
  PEAL_DCHECK(choice.kind != Kind::whole);
  ContentRange text;
  text.append("bytes ");
  if (choice.kind == Kind::part)
    text.append(choice.offset).append("-").append(choice.offset + choice.length - 1);
  else
    text.append("*");
  return text.append("/").append(size);
}

}  // namespace peal::http
