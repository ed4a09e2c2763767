// SPDX-License-Identifier: Apache-2.0
#include "core/http/accept.h"

#include <algorithm>
#include <optional>

namespace peal::http {
namespace {

constexpr int kWhole = 1000;

/// RFC 9110 section 12.4.2: 0 or 1 with up to three digits behind the point, in thousandths.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.front() != '0' && text.front() != '1'))
    return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int quality = (text.front() - '0') * kWhole;
  int unit = kWhole / 10;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!ascii::is_digit(c)) return std::nullopt;
    quality += (c - '0') * unit;
    unit /= 10;
  }
  if (quality > kWhole) return std::nullopt;
  return quality;
}

/// The weight among the parameters of a media range; nullopt when it is malformed.
std::optional<int> read_quality(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = parameters.find(';');
    const std::string_view parameter = ascii::trim(parameters.substr(0, end));
    if (parameter.size() > 2 && ascii::lower(parameter.front()) == 'q' && parameter[1] == '=')
      return parse_quality(parameter.substr(2));
    parameters = end == parameters.npos ? std::string_view{} : parameters.substr(end + 1);
  }
  return kWhole;
}

/// 3 for the type itself, 2 for "type/*", 1 for "*/*", 0 for anything else.
int specificity(std::string_view range, std::string_view media_type) {
  if (ascii::equal_ignoring_case(range, media_type)) return 3;
  const std::string_view type = media_type.substr(0, media_type.find('/') + 1);
  if (range.ends_with('*') && ascii::equal_ignoring_case(range.substr(0, range.size() - 1), type))
    return 2;
  return range == "*/*" ? 1 : 0;
}

}  // namespace

Acceptance acceptance(const Request& request, std::string_view media_type) {
  if (request.count("Accept") == 0) return {};
  Acceptance found{.quality = 0, .by_name = false};
  int best = 0;
  request.for_each("Accept", [&](std::string_view list) {
    ascii::for_each_list_element(list, [&](std::string_view element) {
      const auto end = element.find(';');
      const int specific = specificity(ascii::trim(element.substr(0, end)), media_type);
      const auto quality =
          read_quality(end == element.npos ? std::string_view{} : element.substr(end + 1));
      if (specific <= best || !quality) return;
      best = specific;
      found = {.quality = *quality, .by_name = specific == 3};
    });
  });
  return best == 0 && request.header("Accept")->empty() ? Acceptance{} : found;
}

}  // namespace peal::http
