// SPDX-License-Identifier: Apache-2.0
#include "core/http/media_type.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

/// Takes the token at the front off `text`; empty when there is none.
std::string_view take_token(std::string_view& text) {
  const auto* const end = std::ranges::find_if_not(text, ascii::is_token_char);
  const std::string_view token(text.begin(), end);
  text.remove_prefix(token.size());
  return token;
}

/// Of a quoted-string, RFC 9110 section 5.6.4.
bool may_be_quoted(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

/// The same for a quoted string, which is returned as sent: no charset needs an escape in it.
std::optional<std::string_view> take_quoted(std::string_view& text) {
  for (std::size_t i = 1; i < text.size() && may_be_quoted(text[i]); ++i) {
    if (text[i] == '"') {
      const std::string_view inside = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return inside;
    }
    if (text[i] == '\\' && (++i == text.size() || !may_be_quoted(text[i]))) break;
  }
  return std::nullopt;
}

/// Takes name=value; false when that is malformed.
bool take_parameter(std::string_view& text, MediaType& into) {
  const std::string_view name = take_token(text);
  if (name.empty() || !text.starts_with('=')) return false;
  text.remove_prefix(1);
  const bool quoted = text.starts_with('"');
  const std::optional<std::string_view> value = quoted ? take_quoted(text) : take_token(text);
  if (!value || (value->empty() && !quoted)) return false;
  if (into.charset.empty() && ascii::equal_ignoring_case(name, "charset")) into.charset = *value;
  return true;
}

}  // namespace

bool MediaType::is(std::string_view wanted_type, std::string_view wanted_subtype) const {
  return ascii::equal_ignoring_case(type, wanted_type) &&
         ascii::equal_ignoring_case(subtype, wanted_subtype);
}

std::optional<MediaType> parse_media_type(std::string_view value) {
  value = ascii::trim(value);
  MediaType media;
  media.type = take_token(value);
  if (media.type.empty() || !value.starts_with('/')) return std::nullopt;
  value.remove_prefix(1);
  media.subtype = take_token(value);
  if (media.subtype.empty()) return std::nullopt;
  while (true) {
    skip_blanks(value);
    if (value.empty()) return media;
    if (!value.starts_with(';')) return std::nullopt;
    value.remove_prefix(1);
    skip_blanks(value);
    if (value.empty() || value.starts_with(';')) continue;
    if (!take_parameter(value, media)) return std::nullopt;
  }
}

}  // namespace peal::http
