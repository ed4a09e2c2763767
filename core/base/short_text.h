// SPDX-License-Identifier: Apache-2.0
// Short text by value: dates, entity tags, ranges. Nothing is allocated.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/check.h"

namespace peal {

/// Up to `kCapacity` characters, no terminator. Exceeding it is the programmer's error.
template <std::uint8_t kCapacity>
class ShortText {
 public:
  std::string_view view() const { return {text_.data(), size_}; }

  ShortText& append(std::string_view text) {
    PEAL_CHECK(text.size() <= std::size_t{kCapacity} - size_);
    std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ = static_cast<std::uint8_t>(size_ + text.size());
    return *this;
  }

  ShortText& append(std::unsigned_integral auto number, int base = 10) {
    std::array<char, 64> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    return append(std::string_view(digits.data(), end));
  }

 private:
  std::array<char, kCapacity> text_;
  std::uint8_t size_ = 0;
};

}  // namespace peal
