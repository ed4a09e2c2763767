// SPDX-License-Identifier: Apache-2.0
// UTF-8 by its definition: code points and shortest forms, no table of octets.
#pragma once

#include <cstdint>
#include <string>

namespace peal::ws::test {

/// Octets of the character that `lead` begins by its bit pattern; 0 when it begins none.
inline std::size_t announced_size(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if ((lead & 0xe0) == 0xc0) return 2;
  if ((lead & 0xf0) == 0xe0) return 3;
  return (lead & 0xf8) == 0xf0 ? 4 : 0;
}

/// Whether `octets` are one character or the beginning of one: whether, of the code points they can
/// still become, one is valid and not too small for their number.
inline bool begins_character(const std::string& octets) {
  static constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  static constexpr std::uint32_t kLeadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  const auto octet = [&octets](std::size_t i) { return static_cast<std::uint8_t>(octets[i]); };
  const std::size_t size = announced_size(octet(0));
  if (size == 0 || octets.size() > size) return false;
  std::uint32_t lowest = octet(0) & kLeadBits[size];
  std::uint32_t highest = lowest;
  for (std::size_t i = 1; i < size; ++i) {
    const bool known = i < octets.size();
    if (known && (octet(i) & 0xc0) != 0x80) return false;
    lowest = lowest << 6 | (known ? octet(i) & 0x3f : 0);
    highest = highest << 6 | (known ? octet(i) & 0x3f : 0x3f);
  }
  const bool surrogates = lowest >= 0xd800 && highest <= 0xdfff;
  return highest >= kSmallest[size] && lowest <= 0x10ffff && !surrogates;
}

/// Utf8Validator, octet by octet.
class ReferenceUtf8 {
 public:
  bool feed(char octet) {
    character_ += octet;
    valid_ = valid_ && begins_character(character_);
    if (valid_ && character_.size() == announced_size(static_cast<std::uint8_t>(character_[0])))
      character_.clear();
    return valid_;
  }
  bool valid() const { return valid_; }
  bool complete() const { return valid_ && character_.empty(); }

 private:
  std::string character_;
  bool valid_ = true;
};

}  // namespace peal::ws::test
