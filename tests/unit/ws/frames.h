// SPDX-License-Identifier: Apache-2.0
// Frames as they lie on the wire, built without the code under test.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::ws::test {

inline constexpr std::array<std::uint8_t, 4> kKey{0x37, 0xfa, 0x21, 0x3d};
inline constexpr unsigned kFinal = 0x80;  ///< beside an opcode in `first`

inline std::string masked(std::string text, std::array<std::uint8_t, 4> key) {
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(text[i] ^ key[i % 4]);
  return text;
}

/// Any first octet; the length in `length_octets` (0, 2 or 8) after the second octet.
inline std::string header(unsigned first, std::uint64_t size, bool is_masked,
                          unsigned length_octets) {
  const std::uint64_t short_length = length_octets == 0 ? size : length_octets == 2 ? 126 : 127;
  std::string octets{static_cast<char>(first),
                     static_cast<char>(short_length | (is_masked ? 0x80 : 0))};
  for (unsigned i = length_octets; i-- > 0;) octets += static_cast<char>(size >> (8 * i));
  return octets;
}

inline unsigned length_octets_for(std::uint64_t size) {
  return size < 126 ? 0 : size < 65536 ? 2 : 8;
}

inline std::string client_frame(unsigned first, std::string_view payload,
                                std::array<std::uint8_t, 4> key = kKey) {
  return header(first, payload.size(), true, length_octets_for(payload.size())) +
         std::string(key.begin(), key.end()) + masked(std::string(payload), key);
}

inline std::string server_frame(unsigned first, std::string_view payload) {
  return header(first, payload.size(), false, length_octets_for(payload.size())) +
         std::string(payload);
}

}  // namespace peal::ws::test
