// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"

namespace peal {

inline constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Characters of the base64 (RFC 4648 section 4) of `size` octets, padding included.
constexpr std::size_t base64_size(std::size_t size) {
  return (size + 2) / 3 * 4;
}

/// Writes the base64 of `octets` to `to`, which has room for base64_size(); returns its end.
inline char* write_base64(char* to, Bytes octets) {
  constexpr std::string_view kDigits = kBase64Digits;
  const auto octet = [&](std::size_t i) { return static_cast<unsigned>(octets[i]); };
  std::size_t i = 0;
  for (; i + 3 <= octets.size(); i += 3) {
    const unsigned bits = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) *to++ = kDigits[bits >> shift & 63];
  }
  const std::size_t left = octets.size() - i;
  if (left == 0) return to;
  const unsigned bits = octet(i) << 16 | (left == 2 ? octet(i + 1) << 8 : 0);
  *to++ = kDigits[bits >> 18];
  *to++ = kDigits[bits >> 12 & 63];
  *to++ = left == 2 ? kDigits[bits >> 6 & 63] : '=';
  *to++ = '=';
  return to;
}

/// Writes the octets of a base64 text to `to`, which has room for text.size() / 4 * 3, and returns
/// how many they are. Nullopt for any text that write_base64() would not have written, so there is
/// one text for the same octets (RFC 4648 section 3.5): without padding, or with bits left over.
inline std::optional<std::size_t> read_base64(std::string_view text, std::byte* to) {
  static constexpr std::array<std::uint8_t, 256> kValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(0xff);
    for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64Digits[i])] = i;
    return values;
  }();
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::byte* const begin = to;
  std::uint32_t bits = 0;
  unsigned held = 0;  // bits that make no octet yet
  for (const char digit : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(digit)];
    if (value == 0xff) return std::nullopt;
    bits = bits << 6 | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    *to++ = static_cast<std::byte>(bits >> held);
  }
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return static_cast<std::size_t>(to - begin);
}

}  // namespace peal
