// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace peal {

/// Checks that text is UTF-8 (RFC 3629) as it arrives in pieces: no overlong forms, no surrogates,
/// nothing above U+10FFFF. A value of one byte, zero between characters.
class Utf8Validator {
 public:
  /// False once the text so far cannot be the beginning of valid UTF-8, at the very octet that
  /// spoils it; it stays false from then on.
  bool feed(Bytes piece);

  /// Whether the text so far ends between two characters.
  bool complete() const { return state_ == 0; }

  friend bool operator==(Utf8Validator, Utf8Validator) = default;

 private:
  std::uint8_t state_ = 0;  ///< a bit position in the rows of utf8.cc's table
};

/// Whether `text` is UTF-8 as a whole.
inline bool is_utf8(Bytes text) {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

}  // namespace peal
