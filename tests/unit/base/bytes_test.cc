// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.h"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

using namespace peal;

TEST_CASE("bytes: text and octets are the same memory") {
  constexpr std::string_view text("a\0\xff", 3);
  const Bytes bytes = as_bytes(text);
  CHECK(bytes.size() == 3);
  CHECK(static_cast<const void*>(bytes.data()) == text.data());
  CHECK(bytes[2] == std::byte{0xff});
  CHECK(as_text(bytes) == text);
}

TEST_CASE("bytes: numbers are stored most significant octet first, at any address") {
  std::array<std::byte, 11> memory{};
  store_be<std::uint16_t>(&memory[1], 0x0102);
  CHECK(memory[1] == std::byte{1});
  CHECK(memory[2] == std::byte{2});
  store_be<std::uint32_t>(&memory[1], 0x01020304);
  CHECK(memory[4] == std::byte{4});
  store_be<std::uint64_t>(&memory[1], 0x0102030405060708);
  for (std::size_t i = 1; i <= 8; ++i) CHECK(memory[i] == static_cast<std::byte>(i));
  CHECK(memory[0] == std::byte{0});
  CHECK(memory[9] == std::byte{0});
}

TEST_CASE("bytes: what was stored is loaded") {
  std::array<std::byte, 8> memory{};
  store_be<std::uint16_t>(memory.data(), 0xfffe);
  CHECK(load_be<std::uint16_t>(memory.data()) == 0xfffe);
  store_be<std::uint32_t>(memory.data(), 0xdeadbeef);
  CHECK(load_be<std::uint32_t>(memory.data()) == 0xdeadbeef);
  store_be<std::uint64_t>(memory.data(), 0x8000000000000001);
  CHECK(load_be<std::uint64_t>(memory.data()) == 0x8000000000000001);
}
