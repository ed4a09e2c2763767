// SPDX-License-Identifier: Apache-2.0
#include "loadtest/text.h"

#include <doctest/doctest.h>

namespace peal::loadtest::text_test {
namespace {

TEST_CASE("rate_text: small rates keep their fractions, none is cut off") {
  CHECK(rate_text(0) == "0");
  CHECK(rate_text(0.5) == "0.500");
  CHECK(rate_text(0.999999) == "1.000");
  CHECK(rate_text(12.34) == "12.3");
  CHECK(rate_text(99.96) == "100");
  CHECK(rate_text(1233.6) == "1,234");
}

TEST_CASE("printable: nothing that a terminal obeys is left") {
  CHECK(printable("slow client, größer") == "slow client, größer");
  CHECK(printable("\x1b[31mred\x07\r\n\x7f") == "?[31mred????");
  CHECK(printable("\xc2\x9b\x31m \xc2\xa0") == "??1m \xc2\xa0");  // U+009B, CSI
  CHECK(printable("a\xff\xc2") == "a??");
  CHECK(printable("") == "");
}

TEST_CASE("text: numbers keep three digits") {
  CHECK(number_text(0) == "0");
  CHECK(number_text(0.12345) == "0.123");
  CHECK(number_text(1.5) == "1.50");
  CHECK(number_text(12.345) == "12.3");
  CHECK(number_text(123.45) == "123");
  CHECK(number_text(12345.6) == "12346");
  CHECK(number_text(99) == "99");
}

TEST_CASE("text: thousands are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("text: times, sizes and rates have the unit that suits them") {
  CHECK(time_text(85) == "85 ns");
  CHECK(time_text(12'340) == "12.3 µs");
  CHECK(time_text(4'560'000) == "4.56 ms");
  CHECK(time_text(2e9) == "2 s");
  CHECK(size_text(64) == "64 B");
  CHECK(size_text(16384) == "16 KiB");
  CHECK(size_text(1.5 * (1 << 20)) == "1.50 MiB");
  CHECK(byte_rate_text(12.5e6) == "12.5 MB/s");
}

}  // namespace
}  // namespace peal::loadtest::text_test
