// SPDX-License-Identifier: Apache-2.0
// One request head (RFC 9112) as values. Owner: RequestParser; the views lie in the bytes that
// were parsed, so they are valid as long as those bytes and until the parser's next parse().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/ascii.h"

namespace peal::http {

/// A field line: the name as sent, the value without white space at its ends.
struct Header {
  std::string_view name;
  std::string_view value;
};

struct Request {
  std::string_view method;  ///< case-sensitive
  std::string_view target;  ///< as sent
  std::string_view scheme;  ///< of the absolute form: "http" or "https" in any case; else empty
  std::string_view path;    ///< still percent-encoded; begins with "/", or is "*" (OPTIONS only)
  std::string_view query;   ///< after the first "?", still encoded
  std::string_view host;    ///< host [":" port] as sent; empty only in HTTP/1.0
  std::span<const Header> headers;
  std::uint64_t content_length = 0;  ///< 0 when there is no such field
  std::size_t head_size = 0;         ///< bytes, the empty line at the end included
  int minor_version = 1;             ///< HTTP/1.0 or HTTP/1.1
  bool expects_continue = false;     ///< Expect: 100-continue (RFC 9110 section 10.1.1)
  bool chunked = false;              ///< the body has chunked transfer coding
  bool keep_alive = false;           ///< the client lets the connection persist (section 9.3)

  bool has_body() const { return chunked || content_length > 0; }

  /// The value of the first field of that name, in any case of letters.
  std::optional<std::string_view> header(std::string_view name) const {
    for (const Header& field : headers)
      if (ascii::equal_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
  }

  /// Calls `visit` with the value of each field of that name, in order.
  template <class Visit>
  void for_each(std::string_view name, Visit&& visit) const {
    for (const Header& field : headers)
      if (ascii::equal_ignoring_case(field.name, name)) visit(field.value);
  }

  std::size_t count(std::string_view name) const {
    std::size_t fields = 0;
    for_each(name, [&](std::string_view) { ++fields; });
    return fields;
  }

  /// True when the comma lists of all fields of that name hold `token`, in any case of letters.
  bool has_token(std::string_view name, std::string_view token) const {
    bool found = false;
    for_each(name, [&](std::string_view list) {
      ascii::for_each_list_element(list, [&](std::string_view element) {
        found = found || ascii::equal_ignoring_case(element, token);
      });
    });
    return found;
  }
};

/// Why a request was refused. The connection is closed after the answer: what follows in it can
/// no longer be told apart.
struct Failure {
  int status = 0;
  std::string_view reason;  ///< a static string, short plain English for the body
  bool head_only = false;   ///< the method was HEAD, so there is none
};

}  // namespace peal::http
