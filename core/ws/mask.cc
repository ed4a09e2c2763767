// SPDX-License-Identifier: Apache-2.0
#include "core/ws/mask.h"

#include <cstring>
#include <type_traits>

namespace peal::ws {
namespace {

using Vector16 [[gnu::vector_size(16)]] = std::uint64_t;
using Vector32 [[gnu::vector_size(32)]] = std::uint64_t;

/// Fills `word` with the key over and over. (A return value would bind Vector32 to an ABI.)
template <class Word>
[[gnu::always_inline]] inline void spread(std::uint32_t key, Word& word) {
  if constexpr (sizeof(Word) == sizeof key)
    word = key;
  else
    word = Word{} + (std::uint64_t{key} << 32 | key);
}

// Lane by lane, in registers: through memory it took longer than all the rest of a short message.
template <class Word>
[[gnu::always_inline]] inline bool is_ascii(const Word& word) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  if constexpr (std::is_integral_v<Word>) {
    return (word & kHighBits) == 0;
  } else {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < sizeof(Word) / sizeof all; ++i) all |= word[i];
    return (all & kHighBits) == 0;
  }
}

/// Word by word, for any size of at least one. The last word ends where the bytes end; it may
/// overlap the one before it, so it is read before anything is written.
template <class Word>
[[gnu::always_inline]] inline bool apply(std::byte* to, const std::byte* from, std::size_t size,
                                         std::uint32_t key) {
  const std::size_t tail = size - sizeof(Word);
  Word keys, seen, word, last;
  spread(rotate_key(key, tail), keys);
  std::memcpy(&last, from + tail, sizeof last);
  last ^= keys;
  seen = last;
  spread(key, keys);
  for (std::size_t i = 0; i < tail; i += sizeof(Word)) {
    std::memcpy(&word, from + i, sizeof word);
    word ^= keys;
    seen |= word;
    std::memcpy(to + i, &word, sizeof word);
  }
  std::memcpy(to + tail, &last, sizeof last);
  return is_ascii(seen);
}

#if defined(__x86_64__) && !defined(PEAL_PORTABLE)
[[gnu::target("avx2")]] bool apply_avx2(std::byte* to, const std::byte* from, std::size_t size,
                                        std::uint32_t key) {
  return apply<Vector32>(to, from, size, key);
}
#endif

/// Up to three bytes.
bool apply_bytes(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
  std::byte seen{};
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = from[i] ^ static_cast<std::byte>(rotate_key(key, i));
    seen |= to[i];
  }
  return seen < std::byte{0x80};
}

bool apply_any(std::byte* to, const std::byte* from, std::size_t size, std::uint32_t key) {
#if defined(__x86_64__) && !defined(PEAL_PORTABLE)
  if (size >= 64 && __builtin_cpu_supports("avx2")) return apply_avx2(to, from, size, key);
#endif
  if (size >= sizeof(Vector16)) return apply<Vector16>(to, from, size, key);
  if (size >= sizeof(std::uint64_t)) return apply<std::uint64_t>(to, from, size, key);
  if (size >= sizeof(std::uint32_t)) return apply<std::uint32_t>(to, from, size, key);
  return apply_bytes(to, from, size, key);
}

}  // namespace

bool unmask(MutableBytes bytes, std::uint32_t key) {
  return apply_any(bytes.data(), bytes.data(), bytes.size(), key);
}

bool unmask_copy(std::byte* to, Bytes from, std::uint32_t key) {
  return apply_any(to, from.data(), from.size(), key);
}

}  // namespace peal::ws
