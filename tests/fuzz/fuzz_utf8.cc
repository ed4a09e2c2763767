// SPDX-License-Identifier: Apache-2.0
// Any octets in any pieces get the verdict of the definition, after each piece.
// Input: one octet that says where to cut, then the text.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "tests/fuzz/target.h"
#include "tests/unit/ws/reference_utf8.h"

namespace peal::fuzz_utf8 {

PEAL_FUZZ_TARGET(utf8) {
  if (size < 1) return;
  std::uint32_t cuts = data[0];
  const std::size_t longest = 1 + data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Utf8Validator validator;
  ws::test::ReferenceUtf8 expected;
  while (!text.empty()) {
    cuts = cuts * 1664525 + 1013904223;
    const std::string_view piece = text.substr(0, 1 + (cuts >> 16) % longest);
    text.remove_prefix(piece.size());
    const Bytes bytes = as_bytes(piece);
    const std::vector<std::byte> exact(bytes.begin(), bytes.end());
    for (char octet : piece) expected.feed(octet);
    PEAL_CHECK(validator.feed(exact) == expected.valid());
    PEAL_CHECK(validator.complete() == expected.complete());
  }
}

}  // namespace peal::fuzz_utf8
