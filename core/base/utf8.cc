// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__) && !defined(PEAL_PORTABLE)
#include <immintrin.h>
#endif

namespace peal {
namespace {

// The automaton of RFC 3629 section 4. A state says what may come next.
enum State : unsigned {
  boundary,
  one_more,
  two_more,
  three_more,
  after_e0,
  after_ed,
  after_f0,
  after_f4,
  invalid,
};
constexpr unsigned kStates = invalid + 1;

constexpr State start(unsigned octet) {
  if (octet <= 0x7f) return boundary;
  if (octet <= 0xc1) return invalid;
  if (octet <= 0xdf) return one_more;
  if (octet == 0xe0) return after_e0;
  if (octet == 0xed) return after_ed;
  if (octet <= 0xef) return two_more;
  if (octet == 0xf0) return after_f0;
  if (octet <= 0xf3) return three_more;
  return octet == 0xf4 ? after_f4 : invalid;
}

constexpr State follow(State state, unsigned octet) {
  const auto within = [octet](unsigned first, unsigned last, State then) {
    return octet >= first && octet <= last ? then : invalid;
  };
  switch (state) {
    case boundary:
      return start(octet);
    case one_more:
      return within(0x80, 0xbf, boundary);
    case two_more:
      return within(0x80, 0xbf, one_more);
    case three_more:
      return within(0x80, 0xbf, two_more);
    case after_e0:
      return within(0xa0, 0xbf, one_more);
    case after_ed:
      return within(0x80, 0x9f, one_more);
    case after_f0:
      return within(0x90, 0xbf, two_more);
    case after_f4:
      return within(0x80, 0x8f, two_more);
    case invalid:
      return invalid;
  }
  return invalid;
}

// One row for each octet, the next states side by side in it, and a state written as the position
// of its bits in a row: so a step is one shift, and rows are loaded ahead of it.
constexpr unsigned kBits = 6;
constexpr unsigned kInvalid = invalid * kBits;
static_assert(kStates * kBits <= 64 && kInvalid < 1 << kBits);

constexpr auto kRows = [] {
  std::array<std::uint64_t, 256> rows{};
  for (unsigned octet = 0; octet < rows.size(); ++octet)
    for (unsigned state = 0; state < kStates; ++state)
      rows[octet] |= std::uint64_t{follow(State{state}, octet) * kBits} << state * kBits;
  return rows;
}();

constexpr std::uint64_t step(std::uint64_t state, std::byte octet) {
  return kRows[std::to_integer<unsigned>(octet)] >> state & ((1 << kBits) - 1);
}

/// Steps over [at, end), 16 octets at a time where they are ASCII between characters.
std::uint64_t walk(std::uint64_t state, const std::byte* at, const std::byte* end) {
  constexpr std::size_t kStride = 16;
  while (static_cast<std::size_t>(end - at) >= kStride) {
    std::array<std::uint64_t, kStride / 8> words;
    std::memcpy(words.data(), at, kStride);
    if (state == boundary && ((words[0] | words[1]) & 0x8080808080808080) == 0) {
      at += kStride;
      continue;
    }
    for (std::size_t i = 0; i < kStride; ++i) state = step(state, *at++);
  }
  while (at != end) state = step(state, *at++);
  return state;
}

#if defined(__x86_64__) && !defined(PEAL_PORTABLE)

// Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2020): what can be
// wrong with two neighbouring octets shows in three of their four nibbles. Each kind of mistake has
// a bit, which is set in a table for each of those nibbles; a pair is wrong when all three agree.
using Nibbles = unsigned;  // a set: bit n for the value n

constexpr Nibbles nibbles(unsigned first, unsigned last) {
  return (2u << last) - (1u << first);
}

struct Mistake {
  Nibbles high, low;  // of the octet before
  Nibbles next_high;  // of the octet itself
};
constexpr Nibbles kAny = nibbles(0x0, 0xf);
constexpr Nibbles kTail = nibbles(0x8, 0xb);
constexpr Nibbles kAscii = nibbles(0x0, 0x7);
constexpr Nibbles kLead = nibbles(0xc, 0xf);
constexpr std::array<Mistake, 8> kMistakes{{
    {kLead, kAny, kAscii | kLead},                        // a character breaks off
    {kAscii, kAny, kTail},                                // a tail without a lead
    {1u << 0xc, nibbles(0x0, 0x1), kTail},                // two octets for one
    {1u << 0xe, 1u << 0x0, nibbles(0x8, 0x9)},            // three octets for two
    {1u << 0xe, 1u << 0xd, nibbles(0xa, 0xb)},            // a surrogate
    {1u << 0xf, 1u << 0x0 | nibbles(0x5, 0xf), 1u << 8},  // four octets for three, or above F4
    {1u << 0xf, nibbles(0x4, 0xf), nibbles(0x9, 0xb)},    // above U+10FFFF
    {kTail, kAny, kTail},  // two tails: right or wrong by what is before, kTwoTails
}};
constexpr std::uint8_t kTwoTails = 0x80;

using Table = std::array<std::uint8_t, 16>;

constexpr Table table_of(Nibbles Mistake::*nibble) {
  Table table{};
  for (unsigned bit = 0; bit < kMistakes.size(); ++bit)
    for (unsigned value = 0; value < table.size(); ++value)
      if (kMistakes[bit].*nibble >> value & 1)
        table[value] = static_cast<std::uint8_t>(table[value] | 1u << bit);
  return table;
}
constexpr Table kHigh = table_of(&Mistake::high);
constexpr Table kLow = table_of(&Mistake::low);
constexpr Table kNextHigh = table_of(&Mistake::next_high);

#define PEAL_AVX2 [[gnu::target("avx2"), gnu::always_inline]] inline

PEAL_AVX2 __m256i load(const std::byte* at) {
  __m256i block;
  std::memcpy(&block, at, sizeof block);
  return block;
}

PEAL_AVX2 __m256i look_up(const Table& table, __m256i nibble) {
  __m128i half;
  std::memcpy(&half, table.data(), sizeof half);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(half), nibble);
}

/// Non-zero where an octet of `block` cannot follow the three in front of it.
PEAL_AVX2 __m256i mistakes(__m256i block, const std::byte* at) {
  const __m256i low_nibbles = _mm256_set1_epi8(0x0f);
  const __m256i before = load(at - 1);
  const __m256i pairs = _mm256_and_si256(
      _mm256_and_si256(look_up(kHigh, _mm256_and_si256(_mm256_srli_epi16(before, 4), low_nibbles)),
                       look_up(kLow, _mm256_and_si256(before, low_nibbles))),
      look_up(kNextHigh, _mm256_and_si256(_mm256_srli_epi16(block, 4), low_nibbles)));
  // An octet has to be a second tail just when E0-FF is two before it or F0-FF three before it.
  const __m256i third = _mm256_subs_epu8(load(at - 2), _mm256_set1_epi8(0xe0 - kTwoTails));
  const __m256i fourth = _mm256_subs_epu8(load(at - 3), _mm256_set1_epi8(0xf0 - kTwoTails));
  const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth),
                                       _mm256_set1_epi8(static_cast<char>(kTwoTails)));
  return _mm256_xor_si256(pairs, due);
}

constexpr std::size_t kBlock = sizeof(__m256i);

/// Whether [at, end) continues the text in front of it; it may end inside a character.
/// Requires: a boundary at `at`, three octets of text before it, and at least kBlock after it.
[[gnu::target("avx2")]] bool continues(const std::byte* at, const std::byte* end) {
  __m256i wrong = _mm256_setzero_si256();
  const std::byte* const last = end - kBlock;  // overlaps the block before it
  for (;;) {
    const __m256i block = load(at);
    if (_mm256_movemask_epi8(_mm256_or_si256(block, load(at - 3))) != 0)
      wrong = _mm256_or_si256(wrong, mistakes(block, at));
    if (at == last) break;
    at = static_cast<std::size_t>(last - at) > kBlock ? at + kBlock : last;
  }
  return _mm256_testz_si256(wrong, wrong);
}

/// The state at the end of valid text. Requires: three octets of it.
std::uint64_t state_at(const std::byte* end) {
  for (std::ptrdiff_t back = 1; back <= 3; ++back)
    if (end[-back] >= std::byte{0xc0}) return walk(boundary, end - back, end);
  return boundary;
}

#endif

}  // namespace

bool Utf8Validator::feed(Bytes piece) {
  const std::byte* at = piece.data();
  const std::byte* const end = at + piece.size();
  std::uint64_t state = state_;
#if defined(__x86_64__) && !defined(PEAL_PORTABLE)
  if (piece.size() >= 2 * kBlock && __builtin_cpu_supports("avx2")) {
    const std::byte* const third = at + 3;  // continues() looks back as far
    while (at < third || (state != boundary && state != kInvalid)) state = step(state, *at++);
    if (state == boundary) {
      state = continues(at, end) ? state_at(end) : kInvalid;
      at = end;
    }
  }
#endif
  state_ = static_cast<std::uint8_t>(walk(state, at, end));
  return state_ != kInvalid;
}

}  // namespace peal
