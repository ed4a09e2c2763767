// SPDX-License-Identifier: Apache-2.0
// One range of bytes of a representation (RFC 9110 section 14).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/short_text.h"

namespace peal::http {

struct RangeChoice {
  enum class Kind : std::uint8_t {
    whole,          ///< 200: no range, several, or one that cannot be read (section 14.2)
    part,           ///< 206
    unsatisfiable,  ///< 416
  };
  Kind kind = Kind::whole;
  std::uint64_t offset = 0;  ///< of `part`, in bytes
  std::uint64_t length = 0;  ///< of `part`, in bytes; never 0
};

/// What the value of a Range field asks of a representation of `size` bytes.
RangeChoice choose_range(std::string_view range, std::uint64_t size);

/// The value of a Content-Range field.
using ContentRange = ShortText<72>;

/// "bytes 0-99/1234"; "bytes */1234" for an unsatisfiable one. Requires: not `whole`.
ContentRange content_range(const RangeChoice& choice, std::uint64_t size);

}  // namespace peal::http
