// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace peal::http {

/// A media type as Content-Type names one (RFC 9110 section 8.3.1): "text/plain; charset=utf-8".
/// The views lie in the field's value.
struct MediaType {
  std::string_view type;     ///< "text", in any case of letters
  std::string_view subtype;  ///< "plain", likewise
  std::string_view charset;  ///< without its quotes, in any case of letters; empty: none is given

  /// Whether it is that one, parameters aside.
  bool is(std::string_view wanted_type, std::string_view wanted_subtype) const;
};

/// Nullopt when the value is malformed; parameters are read strictly, too (section 5.6.6). Of two
/// charsets the first one counts.
std::optional<MediaType> parse_media_type(std::string_view value);

}  // namespace peal::http
