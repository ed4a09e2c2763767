// SPDX-License-Identifier: Apache-2.0
// Any octets, cut anywhere, give the events the slow reader sees; no block is lost on the way.
// Input: one octet of choices, one that says where to cut, then what the peer sends.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "tests/fuzz/target.h"
#include "tests/unit/ws/reference_reader.h"

namespace peal::fuzz_frame_stream {

using namespace ws;
using namespace ws::test;

PEAL_FUZZ_TARGET(frame_stream) {
  if (size < 2) return;
  const Role role = data[0] & 1 ? Role::client : Role::server;
  const std::uint64_t limit = data[0] & 2 ? 300 : 100'000;
  std::uint32_t cuts = data[1];
  std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);

  ReferenceReader expected(role, limit);
  expected.feed(octets);
  RealReader whole(role, limit);
  whole.feed(octets);
  PEAL_CHECK(whole.seen() == expected.seen());

  RealReader cut(role, limit);
  const std::size_t longest = 1 + data[1] % 32;
  while (!octets.empty()) {
    cuts = cuts * 1664525 + 1013904223;
    const std::string_view piece = octets.substr(0, 1 + (cuts >> 16) % longest);
    cut.feed(piece);
    octets.remove_prefix(piece.size());
  }
  PEAL_CHECK(cut.seen() == expected.seen());
  PEAL_CHECK(cut.reason() == whole.reason());
}

}  // namespace peal::fuzz_frame_stream
