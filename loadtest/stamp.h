// SPDX-License-Identifier: Apache-2.0
// What each message says of itself: who sent it, which one it is, and when it was due.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace peal::loadtest {

struct Stamp {
  std::uint32_t sequence = 0;  ///< one more with each message of its source
  std::uint32_t source = 0;    ///< the connection that sends it
  std::uint64_t time = 0;      ///< ns since the run began, when it was to be sent; 0 where not told

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

inline constexpr std::size_t kStampSize = 32;
/// A stamp in 32 characters of "@ABCDEFGHIJKLMNO", 4 bits each, the lowest first: it may stand in
/// text, JSON and event streams, and a payload that is too short for all of it still begins with
/// what differs most from message to message.
using StampText = std::array<char, kStampSize>;

namespace detail {

inline constexpr std::uint64_t kLetters = 0x4040404040404040;

/// Puts each 4 bits of `value` into an octet of their own.
constexpr std::uint64_t spread(std::uint64_t value) {
  value = (value & 0xffff0000) << 16 | (value & 0xffff);
  value = (value & 0x0000ff000000ff00) << 8 | (value & 0x000000ff000000ff);
  return (value & 0x00f000f000f000f0) << 4 | (value & 0x000f000f000f000f);
}

constexpr std::uint32_t gather(std::uint64_t value) {
  value = (value >> 4 | value) & 0x00ff00ff00ff00ff;
  value = (value >> 8 | value) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(value >> 16 | value);
}

inline void write_word(char* to, std::uint32_t value) {
  const std::uint64_t letters = spread(value) | kLetters;
  std::memcpy(to, &letters, sizeof letters);
}

inline std::uint64_t load(const char* from) {
  std::uint64_t letters;
  std::memcpy(&letters, from, sizeof letters);
  return letters;
}

inline std::uint32_t read_word(const char* from) {
  return gather(load(from) ^ kLetters);
}

}  // namespace detail

inline StampText write_stamp(const Stamp& stamp) {
  StampText text;
  detail::write_word(text.data(), stamp.sequence);
  detail::write_word(text.data() + 8, stamp.source);
  detail::write_word(text.data() + 16, static_cast<std::uint32_t>(stamp.time));
  detail::write_word(text.data() + 24, static_cast<std::uint32_t>(stamp.time >> 32));
  return text;
}

/// nullopt when it is none.
inline std::optional<Stamp> read_stamp(const StampText& text) {
  std::uint64_t odd = 0;
  for (std::size_t at = 0; at < kStampSize; at += 8)
    odd |= (detail::load(text.data() + at) ^ detail::kLetters) & 0xf0f0f0f0f0f0f0f0;
  if (odd != 0) return std::nullopt;
  return Stamp{
      .sequence = detail::read_word(text.data()),
      .source = detail::read_word(text.data() + 8),
      .time = detail::read_word(text.data() + 16) |
              std::uint64_t{detail::read_word(text.data() + 24)} << 32,
  };
}

}  // namespace peal::loadtest
