// SPDX-License-Identifier: Apache-2.0
// Parts of a request target: authority, path, query (RFC 3986, RFC 9110 section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace peal::http {

/// host [":" port], as in Host and in the absolute form.
struct Authority {
  std::string_view host;              ///< with its brackets when it is an IPv6 address
  std::optional<std::uint16_t> port;  ///< nullopt when none is given
};

/// Nullopt when `text` is no authority, has an empty host or user information ("@"). Beyond the
/// RFC: a name holds letters, digits, "-", ".", "_" and "~" only, since others may decode "%XX" or
/// split at a comma; an address in brackets is IPv6, without a zone; a port is at most 65535.
std::optional<Authority> parse_authority(std::string_view text);

/// Decodes %XX into `out` and returns the part of `out` that was written. Nullopt when a "%" is not
/// followed by two hexadecimal digits or `out` is too small; text.size() octets always suffice.
std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> out);

/// The same for one segment of a path; nullopt also when a "/" or a control character comes out,
/// so that what was one segment stays one.
std::optional<std::string_view> decode_segment(std::string_view segment, std::span<char> out);

/// The same for a path of several segments: "/" separates, "%2F" is refused.
std::optional<std::string_view> decode_path(std::string_view path, std::span<char> out);

/// The same for a name or a value of a query, where "+" stands for a space
/// (application/x-www-form-urlencoded).
std::optional<std::string_view> decode_query_value(std::string_view value, std::span<char> out);

/// Calls `visit(name, value)`, both still encoded, for each "name=value" between "&" of a query.
/// Empty pairs are skipped; without "=" the value is empty.
template <class Visit>
constexpr void for_each_query_pair(std::string_view query, Visit&& visit) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (!pair.empty())
      visit(pair.substr(0, equals),
            equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
}

/// The first value of that name, both as sent; nullopt when there is none.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name);

}  // namespace peal::http
