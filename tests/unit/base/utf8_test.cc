// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/ws/reference_utf8.h"

using namespace peal;
using peal::ws::test::ReferenceUtf8;

namespace {

/// A copy that ends with its allocation, so that AddressSanitizer sees a byte too much.
std::vector<std::byte> exact(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// 0 invalid, 1 incomplete, 2 complete.
int verdict(const Utf8Validator& validator, bool valid) {
  return valid ? 1 + validator.complete() : 0;
}

int verdict(std::string_view text) {
  Utf8Validator validator;
  const bool valid = validator.feed(exact(text));
  return verdict(validator, valid);
}

int reference_verdict(std::string_view text) {
  ReferenceUtf8 reference;
  for (char octet : text) reference.feed(octet);
  return reference.valid() ? 1 + reference.complete() : 0;
}

int split_verdict(std::string_view text, std::size_t cut) {
  Utf8Validator validator;
  bool valid = validator.feed(as_bytes(text.substr(0, cut)));
  valid = validator.feed(as_bytes(text.substr(cut))) && valid;
  return verdict(validator, valid);
}

std::string encode(std::uint32_t code_point) {
  const auto tail = [code_point](int shift) {
    return static_cast<char>(0x80 | (code_point >> shift & 0x3f));
  };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xc0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xe0 | code_point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

/// Valid text of about `size` octets, half of it ASCII in runs.
std::string random_text(std::mt19937_64& random, std::size_t size) {
  static constexpr std::uint32_t kLast[] = {0x7f, 0x7ff, 0xd7ff, 0x10ffff};
  std::string text;
  while (text.size() < size) {
    if (random() % 4 == 0) text.append(random() % 40, 'a');
    std::uint32_t code_point = static_cast<std::uint32_t>(random() % (kLast[random() % 4] + 1));
    if (code_point >= 0xd800 && code_point <= 0xdfff) code_point = 0xe000;
    text += encode(code_point);
  }
  return text;
}

}  // namespace

TEST_CASE("Utf8Validator: fails at the very octet (RFC 3629 section 4)") {
  struct Case {
    std::string_view fine;
    std::string_view spoilt;
  };
  for (const auto& [fine, spoilt] : {
           Case{"\xe0\xa0", "\xe0\x9f"},
           Case{"\xed\x9f", "\xed\xa0"},
           Case{"\xf0\x90", "\xf0\x8f"},
           Case{"\xf4\x8f", "\xf4\x90"},
           Case{"\xc2", "\xc1"},
           Case{"\xf4", "\xf5"},
           Case{"\x7f", "\x80"},
       }) {
    CHECK(verdict(fine) != 0);
    CHECK(verdict(spoilt) == 0);
    const std::string before(70, 'x');
    CHECK(verdict(before + std::string(fine)) != 0);
    CHECK(verdict(before + std::string(spoilt)) == 0);
  }
}

TEST_CASE("Utf8Validator: stays false once it was") {
  Utf8Validator validator;
  CHECK_FALSE(validator.feed(as_bytes("\xff")));
  CHECK_FALSE(validator.feed(as_bytes("a")));
  CHECK_FALSE(validator.feed(as_bytes(std::string(100, 'a'))));
  CHECK_FALSE(validator.feed({}));
  CHECK_FALSE(validator.complete());
}

TEST_CASE("Utf8Validator: a text is complete between characters only") {
  CHECK(is_utf8({}));
  CHECK(is_utf8(as_bytes("\xce\xba\xf0\x9f\x98\x80")));
  CHECK_FALSE(is_utf8(as_bytes("\xce\xba\xf0\x9f\x98")));
}

// A sanitizer needs no completeness to see a wrong read.
constexpr int kStride = test::kSanitized ? 13 : 1;

TEST_CASE("Utf8Validator: every code point but the surrogates") {
  std::size_t wrong = 0;
  for (std::uint32_t code_point = 0; code_point <= 0x1fffff; code_point += kStride) {
    const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    wrong += is_utf8(as_bytes(encode(code_point))) != (code_point <= 0x10ffff && !surrogate);
  }
  CHECK(wrong == 0);
}

TEST_CASE("Utf8Validator: every sequence of one to three octets, in every split") {
  std::string text;
  std::size_t wrong = 0;
  for (int a = 0; a < 256; ++a) {
    text.assign({static_cast<char>(a)});
    wrong += verdict(text) != reference_verdict(text);
    for (int b = 0; b < 256; ++b) {
      text.assign({static_cast<char>(a), static_cast<char>(b)});
      const int expected = reference_verdict(text);
      wrong += split_verdict(text, 1) != expected || split_verdict(text, 0) != expected;
      if (expected == 0) continue;  // and stays so
      for (int c = 0; c < 256; c += kStride) {
        text.assign({static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)});
        const int whole = reference_verdict(text);
        for (std::size_t cut = 0; cut < 3; ++cut) wrong += split_verdict(text, cut) != whole;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Utf8Validator: sequences of four octets around every edge, in every split") {
  static constexpr int kEdges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xaf,
                                   0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                   0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
  std::string text(4, '\0');
  std::size_t wrong = 0;
  for (int a : kEdges)
    for (int b : kEdges)
      for (int c : kEdges)
        for (int d : kEdges) {
          text = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                  static_cast<char>(d)};
          const int expected = reference_verdict(text);
          for (std::size_t cut = 0; cut < 4; ++cut) wrong += split_verdict(text, cut) != expected;
        }
  CHECK(wrong == 0);
}

TEST_CASE("Utf8Validator: every edge sequence at every place of a long text") {
  // Long enough for the vectors; the sequence crosses each of their ends.
  std::size_t wrong = 0;
  for (int a : {0x41, 0x80, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf3, 0xf4, 0xf5})
    for (int b : {0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2})
      for (int c : {0x41, 0x80, 0xbf, 0xe1})
        for (int d : {0x41, 0x80, 0xf1}) {
          const std::string sequence{static_cast<char>(a), static_cast<char>(b),
                                     static_cast<char>(c), static_cast<char>(d)};
          for (std::size_t at = 0; at <= 96; ++at) {
            std::string text(100, 'a');
            text.replace(at, 4, sequence);
            wrong += verdict(text) != reference_verdict(text);
          }
        }
  CHECK(wrong == 0);
}

TEST_CASE("Utf8Validator: random text, spoilt or not, in random pieces") {
  const std::uint64_t seed = 20240607;
  INFO("seed ", seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string text = random_text(random, random() % 400);
    if (!text.empty() && round % 3 == 0) text[random() % text.size()] = static_cast<char>(random());
    if (!text.empty() && round % 5 == 0) text.resize(random() % text.size());
    Utf8Validator validator;
    ReferenceUtf8 reference;
    for (std::size_t at = 0; at < text.size();) {
      const std::string piece = text.substr(at, 1 + random() % (round % 2 ? 10 : 300));
      at += piece.size();
      for (char octet : piece) reference.feed(octet);
      REQUIRE(validator.feed(exact(piece)) == reference.valid());
    }
    REQUIRE(validator.complete() == reference.complete());
  }
}
