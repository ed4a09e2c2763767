// SPDX-License-Identifier: Apache-2.0
#include "core/http/target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

/// RFC 3986 section 2.3. A reg-name may hold more, but no host on the net does.
bool is_name_char(char c) {
  return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_address_char(char c) {
  return ascii::hex_digit(c) || c == ':' || c == '.';
}

bool is_ipv6_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || !std::ranges::all_of(text, is_address_char)) return false;
  text.copy(terminated.data(), text.size());
  in6_addr address;
  return ::inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

/// The octet that "%XX" at the start of `text` stands for.
std::optional<char> escaped_octet(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  const auto high = ascii::hex_digit(text[1]);
  const auto low = ascii::hex_digit(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

/// The length of the host at the start of `text`; 0 when there is none.
std::size_t host_length(std::string_view text) {
  if (!text.starts_with('[')) {
    const std::string_view name = text.substr(0, text.find(':'));
    return std::ranges::all_of(name, is_name_char) ? name.size() : 0;
  }
  const auto bracket = text.find(']');
  if (bracket == std::string_view::npos) return 0;
  return is_ipv6_address(text.substr(1, bracket - 1)) ? bracket + 1 : 0;
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
