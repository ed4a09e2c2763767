// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "core/base/bytes.h"

namespace peal {

/// Characters of the base64 (RFC 4648 section 4) of `size` octets, padding included.
constexpr std::size_t base64_size(std::size_t size) {
  return (size + 2) / 3 * 4;
}

/// Writes the base64 of `octets` to `to`, which has room for base64_size(); returns its end.
inline char* write_base64(char* to, Bytes octets) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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

}  // namespace peal
