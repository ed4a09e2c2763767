// SPDX-License-Identifier: Apache-2.0
#include "config/units.h"

#include <doctest/doctest.h>

#include <random>

namespace peal::config {
namespace {

TEST_CASE("parse_duration: each unit, and zero") {
  CHECK(parse_duration("250ms") == Milliseconds{250});
  CHECK(parse_duration("10s") == Milliseconds{10'000});
  CHECK(parse_duration("5m") == Milliseconds{300'000});
  CHECK(parse_duration("1h") == Milliseconds{3'600'000});
  CHECK(parse_duration("0s") == Milliseconds{0});
  CHECK(parse_duration("0") == Milliseconds{0});
}

TEST_CASE("parse_duration: anything else is refused") {
  for (const char* text :
       {"", "s", "10", "10 s", " 10s", "10s ", "1.5s", "-1s", "+1s", "10S", "10sec", "1h30m",
        "0x10s", "99999999999999999999s", "9000000000000000000h"})
    CHECK_MESSAGE(!parse_duration(text), text);
}

TEST_CASE("parse_size: each unit, and plain bytes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("1000") == 1000);
  CHECK(parse_size("64KiB") == 64 << 10);
  CHECK(parse_size("1MiB") == 1 << 20);
  CHECK(parse_size("2GiB") == std::uint64_t{2} << 30);
}

TEST_CASE("parse_size: anything else is refused") {
  for (const char* text :
       {"", "KiB", "64kb", "64KB", "64 KiB", "64kib", "1.5MiB", "-1", "1e3", "9999999999999GiB"})
    CHECK_MESSAGE(!parse_size(text), text);
}

TEST_CASE("parse_rate: a number a second, and zero") {
  CHECK(parse_rate("2000/s") == 2000);
  CHECK(parse_rate("0/s") == 0);
  CHECK(parse_rate("0") == 0);
  for (const char* text : {"", "/s", "2000", "2000/", "2000/sec", "2000 /s", "2000/ s", " 1/s",
                           "1/s ", "1.5/s", "-1/s", "1/S", "1/m", "99999999999999999999/s"})
    CHECK_MESSAGE(!parse_rate(text), text);
}

TEST_CASE("format: the largest unit that loses nothing") {
  CHECK(format_duration(Milliseconds{0}) == "0s");
  CHECK(format_duration(Milliseconds{1500}) == "1500ms");
  CHECK(format_duration(Milliseconds{90'000}) == "90s");
  CHECK(format_duration(Milliseconds{120'000}) == "2m");
  CHECK(format_size(0) == "0");
  CHECK(format_size(1000) == "1000");
  CHECK(format_size(1536 << 10) == "1536KiB");
  CHECK(format_size(1 << 30) == "1GiB");
  CHECK(format_rate(2000) == "2000/s");
}

TEST_CASE("units: what is formatted is parsed back, for any value") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    // Right shifts give small and large numbers alike, left ones give whole units.
    const std::uint64_t value = random() >> (2 + random() % 60) << (random() % 2);
    CAPTURE(value);
    CHECK(parse_size(format_size(value)) == value);
    CHECK(parse_rate(format_rate(value)) == value);
    const Milliseconds duration(static_cast<Milliseconds::rep>(value));
    CHECK(parse_duration(format_duration(duration)) == duration);
  }
}

TEST_CASE("parse_mode: permissions in octal") {
  CHECK(parse_mode("0660") == 0660);
  CHECK(parse_mode("777") == 0777);
  CHECK(parse_mode("000") == 0);
  for (const char* text : {"", "66", "06600", "0668", "1777", "rw-", "0x1f", "-660", " 660"})
    CHECK_MESSAGE(!parse_mode(text), text);
  for (const char* text : {"0660", "0000", "0777", "0007"})
    CHECK(format_mode(parse_mode(text).value()) == text);
}

}  // namespace
}  // namespace peal::config
