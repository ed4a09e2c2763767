// SPDX-License-Identifier: Apache-2.0
#include "core/http/date.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>

namespace peal::http {
namespace {

constexpr std::int64_t kExample = 784'111'777;  // the one of RFC 9110 section 5.6.7

TEST_CASE("format_date: IMF-fixdate") {
  CHECK(format_date(kExample).view() == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_date(0).view() == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_date(951'782'400).view() == "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST_CASE("format_date: times that cannot be written become the nearest that can") {
  CHECK(format_date(std::numeric_limits<std::int64_t>::max()).view() ==
        "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(format_date(std::numeric_limits<std::int64_t>::min()).view() ==
        "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("parse_date: the three forms") {
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == kExample);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == kExample);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == kExample);
  CHECK(parse_date("Wed Nov 16 08:49:37 1994") == kExample + 10 * 86'400);
  CHECK(parse_date("Friday, 01-Jan-27 00:00:00 GMT") == 1'798'761'600);
  CHECK(parse_date("Sun, 31 Dec 2016 23:59:60 GMT") == 1'483'228'800);
}

TEST_CASE("parse_date: anything else is refused") {
  for (const char* text :
       {"", "0", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_date(text));
  }
}

TEST_CASE("parse_date: reads back what format_date wrote") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> times(-62'167'219'200, 253'402'300'799);
  for (int round = 0; round < 10'000; ++round) {
    const std::int64_t time = times(random);
    REQUIRE(parse_date(format_date(time).view()) == time);
  }
}

}  // namespace
}  // namespace peal::http
