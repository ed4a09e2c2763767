// SPDX-License-Identifier: Apache-2.0
#include "core/ws/mask.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace peal::ws::mask_test {

using peal::ws::rotate_key;
using peal::ws::unmask;
using peal::ws::unmask_copy;

namespace {

/// RFC 6455 section 5.3 to the letter.
std::vector<std::byte> reference(Bytes from, std::uint32_t key) {
  std::byte octets[4];
  std::memcpy(octets, &key, sizeof key);
  std::vector<std::byte> to(from.begin(), from.end());
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] ^ octets[i % 4];
  return to;
}

bool is_ascii(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b < std::byte{0x80}; });
}

constexpr std::uint32_t kKey = 0x9d21fa37;
constexpr std::size_t kMaxSize = 300;

std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937_64 random(size);
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

}  // namespace

TEST_CASE("unmask: the example of RFC 6455 section 5.7") {
  std::vector<std::byte> bytes{std::byte{0x7f}, std::byte{0x9f}, std::byte{0x4d}, std::byte{0x51},
                               std::byte{0x58}};
  CHECK(unmask(bytes, 0x3d21fa37));
  CHECK(as_text(bytes) == "Hello");
}

TEST_CASE("unmask: every size at every alignment, and nothing beyond") {
  const auto source = random_bytes(kMaxSize + 2 * 64);
  for (std::size_t at = 0; at < 64; ++at)
    for (std::size_t size = 0; size <= kMaxSize; ++size) {
      auto bytes = source;
      const auto expected = reference(Bytes(source).subspan(at, size), kKey);
      const bool ascii = unmask(MutableBytes(bytes).subspan(at, size), kKey);
      REQUIRE(ascii == is_ascii(expected));
      REQUIRE(std::ranges::equal(Bytes(bytes).subspan(at, size), expected));
      REQUIRE(std::ranges::equal(Bytes(bytes).first(at), Bytes(source).first(at)));
      REQUIRE(
          std::ranges::equal(Bytes(bytes).subspan(at + size), Bytes(source).subspan(at + size)));
    }
}

TEST_CASE("unmask: an allocation of exactly its size") {
  for (std::size_t size = 1; size <= kMaxSize; ++size) {
    auto bytes = random_bytes(size);
    const auto expected = reference(bytes, kKey);
    unmask(bytes, kKey);
    REQUIRE(bytes == expected);
  }
}

TEST_CASE("unmask_copy: every size, from and to every alignment") {
  const auto source = random_bytes(kMaxSize + 64);
  for (std::size_t from = 0; from < 33; from += 4)
    for (std::size_t to = 0; to < 33; to += 3)
      for (std::size_t size = 0; size <= kMaxSize; ++size) {
        std::vector<std::byte> target(to + size + 40);
        const Bytes piece = Bytes(source).subspan(from, size);
        const auto expected = reference(piece, kKey);
        const bool ascii = unmask_copy(target.data() + to, piece, kKey);
        REQUIRE(ascii == is_ascii(expected));
        REQUIRE(std::ranges::equal(Bytes(target).subspan(to, size), expected));
        REQUIRE(std::ranges::count(target, std::byte{0}) >= 40 + static_cast<long>(to));
        REQUIRE(target[to + size] == std::byte{0});
      }
}

TEST_CASE("unmask_copy: to bytes in front that overlap") {
  const auto source = random_bytes(kMaxSize);
  for (std::size_t forward = 1; forward <= 70; ++forward)
    for (std::size_t size = 0; size <= kMaxSize; ++size) {
      std::vector<std::byte> bytes(forward + size + 1);
      std::copy_n(source.begin(), size, bytes.begin() + static_cast<std::ptrdiff_t>(forward));
      const auto expected = reference(Bytes(source).first(size), kKey);
      const bool ascii = unmask_copy(bytes.data(), Bytes(bytes).subspan(forward, size), kKey);
      REQUIRE(ascii == is_ascii(expected));
      REQUIRE(std::ranges::equal(Bytes(bytes).first(size), expected));
      REQUIRE(bytes.back() == std::byte{0});
    }
}

TEST_CASE("unmask: tells of every single byte that is not ASCII") {
  for (std::size_t size = 1; size <= 200; ++size)
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<std::byte> bytes(size, std::byte{0x7f});
      bytes[at] = std::byte{0x80};
      REQUIRE_FALSE(unmask(bytes, 0));
    }
}

TEST_CASE("rotate_key: pieces chain") {
  const auto source = random_bytes(200);
  const auto expected = reference(source, kKey);
  for (std::size_t cut = 0; cut <= source.size(); ++cut) {
    auto bytes = source;
    unmask(MutableBytes(bytes).first(cut), kKey);
    unmask(MutableBytes(bytes).subspan(cut), rotate_key(kKey, cut));
    REQUIRE(bytes == expected);
  }
}

TEST_CASE("unmask_copy: a key of 0 copies") {
  const auto source = random_bytes(100);
  std::vector<std::byte> target(100);
  unmask_copy(target.data(), source, 0);
  CHECK(target == source);
}

}  // namespace peal::ws::mask_test
