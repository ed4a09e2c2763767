// SPDX-License-Identifier: Apache-2.0
#include "core/http/range.h"

#include <doctest/doctest.h>

namespace peal::http {
namespace {

using Kind = RangeChoice::Kind;

void check_part(std::string_view range, std::uint64_t size, std::uint64_t offset,
                std::uint64_t length) {
  CAPTURE(range);
  const RangeChoice choice = choose_range(range, size);
  CHECK(choice.kind == Kind::part);
  CHECK(choice.offset == offset);
  CHECK(choice.length == length);
}

TEST_CASE("choose_range: single ranges") {
  check_part("bytes=0-99", 1000, 0, 100);
  check_part("bytes=0-0", 1000, 0, 1);
  check_part("bytes=999-", 1000, 999, 1);
  check_part("bytes=500-9999", 1000, 500, 500);
  check_part("bytes=-100", 1000, 900, 100);
  check_part("bytes=-5000", 1000, 0, 1000);
  check_part("BYTES= 1-2 ", 1000, 1, 2);
}

TEST_CASE("choose_range: beyond the end") {
  for (const char* range : {"bytes=1000-", "bytes=1000-1001", "bytes=-0"}) {
    CAPTURE(range);
    CHECK(choose_range(range, 1000).kind == Kind::unsatisfiable);
  }
  CHECK(choose_range("bytes=0-", 0).kind == Kind::unsatisfiable);
}

TEST_CASE("choose_range: several, other units and nonsense give the whole") {
  for (const char* range : {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=2-1", "bytes=a-b",
                            "bytes=0-1,3-4", "bytes=-1,2-", "bytes=0-1-2", "bytes=+1-2",
                            "bytes=0 - 1", "lines=0-1", "bytes=99999999999999999999-"}) {
    CAPTURE(range);
    CHECK(choose_range(range, 1000).kind == Kind::whole);
  }
  CHECK(choose_range("bytes=-5", 0).kind == Kind::whole);
}

TEST_CASE("content_range: both forms") {
  CHECK(content_range(choose_range("bytes=0-99", 1234), 1234).view() == "bytes 0-99/1234");
  CHECK(content_range(choose_range("bytes=2000-", 1234), 1234).view() == "bytes */1234");
  const RangeChoice huge{Kind::part, UINT64_MAX - 1, 1};
  CHECK(content_range(huge, UINT64_MAX).view() ==
        "bytes 18446744073709551614-18446744073709551614/18446744073709551615");
}

}  // namespace
}  // namespace peal::http
