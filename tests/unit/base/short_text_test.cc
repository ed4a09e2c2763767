// SPDX-License-Identifier: Apache-2.0
#include "core/base/short_text.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace peal;

TEST_CASE("ShortText: pieces follow each other") {
  ShortText<32> text;
  CHECK(text.view().empty());
  text.append("bytes ").append(0u).append("-").append(1023u).append("/").append(4096u);
  CHECK(text.view() == "bytes 0-1023/4096");
}

TEST_CASE("ShortText: numbers in other bases, and the largest") {
  ShortText<64> text;
  text.append(0xbeefu, 16).append(" ").append(UINT64_MAX);
  CHECK(text.view() == "beef 18446744073709551615");
}

TEST_CASE("ShortText: may be filled to its last character") {
  ShortText<4> text;
  text.append("four").append("");
  CHECK(text.view() == "four");
}

TEST_CASE("ShortText: a copy is independent of its origin") {
  ShortText<8> text;
  text.append("one");
  ShortText<8> copy = text;
  copy.append("two");
  CHECK(text.view() == "one");
  CHECK(copy.view() == "onetwo");
}
