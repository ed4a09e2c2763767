// SPDX-License-Identifier: Apache-2.0
// Compressed messages, cut anywhere, give what the slow reader sees, and never take more memory
// than the size limit allows. Input: one octet of choices, one that says where to cut, then what
// the peer sends.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "tests/fuzz/target.h"
#include "tests/unit/ws/reference_reader.h"

namespace peal::fuzz_inflate {

using namespace ws;
using namespace ws::test;

PEAL_FUZZ_TARGET(inflate) {
  if (size < 2) return;
  // The peer is a server, so that no masking hides the octets from the fuzzer.
  const Role role = data[0] & 1 ? Role::server : Role::client;
  const std::uint64_t limit = data[0] & 2 ? 300 : 100'000;
  const Deflation deflation{.on = true, .takeover = (data[0] & 4) != 0};
  std::uint32_t cuts = data[1];
  std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);

  ReferenceReader expected(role, limit, deflation);
  expected.feed(octets);
  RealReader whole(role, limit, deflation);
  whole.feed(octets);
  PEAL_CHECK(whole.seen() == expected.seen());

  RealReader cut(role, limit, deflation);
  const std::size_t longest = 1 + data[1] % 32;
  while (!octets.empty()) {
    cuts = cuts * 1664525 + 1013904223;
    const std::string_view piece = octets.substr(0, 1 + (cuts >> 16) % longest);
    cut.feed(piece);
    octets.remove_prefix(piece.size());
    PEAL_CHECK(cut.pool().bytes_out() <= 4 * limit + (64 << 10));
  }
  PEAL_CHECK(cut.seen() == expected.seen());
  PEAL_CHECK(cut.reason() == whole.reason());
}

}  // namespace peal::fuzz_inflate
