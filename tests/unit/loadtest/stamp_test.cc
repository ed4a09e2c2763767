// SPDX-License-Identifier: Apache-2.0
#include "loadtest/stamp.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace peal::loadtest::stamp_test {
namespace {

TEST_CASE("Stamp: written and read, it is the same") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Stamp stamp{.sequence = static_cast<std::uint32_t>(random()),
                      .source = static_cast<std::uint32_t>(random()),
                      .time = random()};
    const auto read = read_stamp(write_stamp(stamp));
    REQUIRE(read);
    CHECK(*read == stamp);
  }
}

TEST_CASE("Stamp: its characters are those between @ and O, the lowest bits first") {
  const StampText text = write_stamp({.sequence = 0x12, .source = 0xf0000000, .time = 1});
  CHECK(std::string(text.data(), text.size()) == "BA@@@@@@@@@@@@@OA@@@@@@@@@@@@@@@");
}

TEST_CASE("Stamp: any other character makes it none") {
  const StampText good = write_stamp({.sequence = 5, .source = 6, .time = 7});
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char c : {'\0', '?', 'P', 'a', '\x80', '\xff'}) {
      StampText text = good;
      text[i] = c;
      CHECK_FALSE(read_stamp(text));
    }
}

}  // namespace
}  // namespace peal::loadtest::stamp_test
