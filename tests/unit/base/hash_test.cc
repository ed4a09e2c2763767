// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include <doctest/doctest.h>

#include <array>

namespace peal {
namespace {

TEST_CASE("siphash: the values of another implementation") {
  // Of one that gives the paper's value for SipHash-2-4 and, with a key of zero, CPython's hash().
  constexpr HashKey kKey{.first = 0x0706050403020100, .second = 0x0f0e0d0c0b0a0908};
  std::array<std::byte, 64> octets;
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::byte>(i);
  const auto hash = [&](std::size_t size) { return siphash(Bytes(octets).first(size), kKey); };
  CHECK(hash(0) == 0xabac0158050fc4dc);
  CHECK(hash(1) == 0xc9f49bf37d57ca93);
  CHECK(hash(7) == 0xd3927d989bb11140);
  CHECK(hash(8) == 0x369095118d299a8e);
  CHECK(hash(15) == 0xd320d86d2a519956);
  CHECK(hash(64) == 0xf17997ec4b4a6065);
  CHECK(siphash(as_bytes("abc"), {}) == 0xc03bc3a0042630f2);
}

TEST_CASE("keyed_hash: the same text hashes to another value under another key") {
  HashKey& key = process_hash_key();
  const HashKey drawn = key;
  CHECK((drawn.first != 0 || drawn.second != 0));
  const auto before = keyed_hash(as_bytes("room"));
  CHECK(KeyedTextHash{}("room") == before);
  key.second ^= 1;
  CHECK(keyed_hash(as_bytes("room")) != before);
  key = drawn;
  CHECK(keyed_hash(as_bytes("room")) == before);
}

}  // namespace
}  // namespace peal
