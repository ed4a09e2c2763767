// SPDX-License-Identifier: Apache-2.0
#include "loadtest/sizes.h"

#include <doctest/doctest.h>

#include <map>

namespace peal::loadtest::sizes_test {
namespace {

TEST_CASE("SizeMix: one size") {
  const auto sizes = parse_sizes("16KiB");
  REQUIRE(sizes);
  CHECK(sizes->text() == "16 KiB");
  CHECK(sizes->pick(0, 0) == 16384);
  CHECK(sizes->pick(7, 123456) == 16384);
}

TEST_CASE("SizeMix: sizes come as often as their weights say, and the same to whoever asks") {
  const auto sizes = parse_sizes("64:9, 1KiB:1");
  REQUIRE(sizes);
  CHECK(sizes->text() == "64 B (90 %), 1 KiB (10 %)");
  CHECK(sizes->least() == 64);
  CHECK(sizes->largest() == 1024);
  std::map<std::uint32_t, int> counts;
  for (std::uint32_t source = 0; source < 100; ++source)
    for (std::uint32_t sequence = 0; sequence < 1000; ++sequence) {
      const std::uint32_t size = sizes->pick(source, sequence);
      CHECK(size == sizes->pick(source, sequence));
      ++counts[size];
    }
  CHECK(counts.size() == 2);
  CHECK(counts[1024] > 9'000);
  CHECK(counts[1024] < 11'000);
}

TEST_CASE("SizeMix: what is no size or mix is refused, and told") {
  for (const char* text :
       {"", ",", "64,", "x", "64:", "64:0", "64:x", "-1", "65MiB", "64KB", "64:1000001", "64;9"}) {
    CAPTURE(text);
    const auto sizes = parse_sizes(text);
    REQUIRE_FALSE(sizes);
    CHECK(sizes.error().contains("is no size such as"));
  }
}

}  // namespace
}  // namespace peal::loadtest::sizes_test
