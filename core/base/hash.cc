// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include <sys/random.h>

#include <array>
#include <bit>

#include "core/base/check.h"

namespace peal {
namespace {

/// Four words that each round stirs (the paper's figure 2.1).
class SipState {
 public:
  explicit SipState(HashKey key)
      : v_{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d,
           key.first ^ 0x6c7967656e657261, key.second ^ 0x7465646279746573} {}

  void take(std::uint64_t word) {
    v_[3] ^= word;
    round();
    v_[0] ^= word;
  }

  std::uint64_t finish() {
    v_[2] ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  void round() {
    v_[0] += v_[1];
    v_[2] += v_[3];
    v_[1] = std::rotl(v_[1], 13) ^ v_[0];
    v_[3] = std::rotl(v_[3], 16) ^ v_[2];
    v_[0] = std::rotl(v_[0], 32);
    v_[2] += v_[1];
    v_[0] += v_[3];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2];
    v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] = std::rotl(v_[2], 32);
  }

  std::array<std::uint64_t, 4> v_;
};

/// Up to 8 octets, the first one lowest.
std::uint64_t load_le(Bytes octets) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < octets.size(); ++i)
    word |= std::to_integer<std::uint64_t>(octets[i]) << (8 * i);
  return word;
}

HashKey draw_key() {
  HashKey key;
  PEAL_CHECK(getrandom(&key, sizeof key, 0) == sizeof key);
  return key;
}

}  // namespace

std::uint64_t siphash(Bytes bytes, HashKey key) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  SipState state(key);
  const std::uint64_t size = bytes.size();
  for (; bytes.size() >= kWord; bytes = bytes.subspan(kWord))
    state.take(load_le(bytes.first(kWord)));
  state.take(load_le(bytes) | size << 56);
  return state.finish();
}

HashKey& process_hash_key() {
  static HashKey key = draw_key();
  return key;
}

}  // namespace peal
