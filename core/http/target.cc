// SPDX-License-Identifier: Apache-2.0
#include "core/http/target.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

/// RFC 3986 section 3.2.2: reg-name, whose "%" is checked by the caller.
bool is_name_char(char c) {
  constexpr std::string_view marks = "-._~!$&'()*+,;=%";
  return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') ||
         marks.find(c) != std::string_view::npos;
}

bool is_address_char(char c) {
  return ascii::hex_digit(c) || c == ':' || c == '.';
}

/// The octet that "%XX" at the start of `text` stands for.
std::optional<char> escaped_octet(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  const auto high = ascii::hex_digit(text[1]);
  const auto low = ascii::hex_digit(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

bool is_registered_name(std::string_view host) {
  for (std::size_t i = 0; i < host.size(); ++i)
    if (!is_name_char(host[i]) || (host[i] == '%' && !escaped_octet(host.substr(i)))) return false;
  return !host.empty();
}

/// The length of the host at the start of `text`; 0 when there is none.
std::size_t host_length(std::string_view text) {
  if (!text.starts_with('[')) {
    const std::string_view name = text.substr(0, text.find(':'));
    return is_registered_name(name) ? name.size() : 0;
  }
  const auto bracket = text.find(']');
  if (bracket == std::string_view::npos || bracket == 1) return 0;
  const std::string_view address = text.substr(1, bracket - 1);
  return std::ranges::all_of(address, is_address_char) ? bracket + 1 : 0;
}

/// Calls `allow(octet)` for each octet that an escape stood for; false from it ends the decoding.
template <class Allow>
std::optional<std::string_view> decode(std::string_view text, std::span<char> out, Allow&& allow) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char octet = text[i];
    if (octet == '%') {
      const auto escaped = escaped_octet(text.substr(i));
      if (!escaped || !allow(*escaped)) return std::nullopt;
      octet = *escaped;
      i += 2;
    }
    if (size == out.size()) return std::nullopt;
    out[size++] = octet;
  }
  return std::string_view(out.data(), size);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  const std::size_t length = host_length(text);
  if (length == 0) return std::nullopt;
  Authority authority{text.substr(0, length), std::nullopt};
  const std::string_view rest = text.substr(length);
  if (rest.empty() || rest == ":") return authority;  // an empty port is the default one
  const auto port = rest[0] == ':' ? ascii::parse_decimal(rest.substr(1)) : std::nullopt;
  if (!port || *port > 65'535) return std::nullopt;
  authority.port = static_cast<std::uint16_t>(*port);
  return authority;
}

std::optional<std::string_view> percent_decode(std::string_view text, std::span<char> out) {
  return decode(text, out, [](char) { return true; });
}

std::optional<std::string_view> decode_segment(std::string_view segment, std::span<char> out) {
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return decode_path(segment, out);
}

std::optional<std::string_view> decode_path(std::string_view path, std::span<char> out) {
  return decode(path, out, [](char octet) { return octet != '/' && !is_control(octet); });
}

std::optional<std::string_view> decode_query_value(std::string_view value, std::span<char> out) {
  const std::size_t size = std::min(value.size(), out.size());
  if (size < value.size()) return std::nullopt;
  std::ranges::replace_copy(value, out.begin(), '+', ' ');
  return percent_decode({out.data(), size}, out);
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name) {
  std::optional<std::string_view> first;
  for_each_query_pair(query, [&](std::string_view candidate, std::string_view value) {
    if (!first && candidate == name) first = value;
  });
  return first;
}

}  // namespace peal::http
