// SPDX-License-Identifier: Apache-2.0
#include "core/base/ascii.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace peal;

namespace {

std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> elements;
  ascii::for_each_list_element(list,
                               [&](std::string_view element) { elements.emplace_back(element); });
  return elements;
}

}  // namespace

TEST_CASE("ascii: lower changes A to Z and no other octet") {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool upper = octet >= 'A' && octet <= 'Z';
    CHECK(ascii::lower(c) == static_cast<char>(upper ? octet + 32 : octet));
  }
}

TEST_CASE("ascii: token characters are the 77 of RFC 9110") {
  int count = 0;
  for (int octet = 0; octet < 256; ++octet) count += ascii::is_token_char(static_cast<char>(octet));
  CHECK(count == 77);
  for (char c : std::string_view("\"(),/:;<=>?@[\\]{} \t\x7f\x80\xff"))
    CHECK_FALSE(ascii::is_token_char(c));
  CHECK_FALSE(ascii::is_token_char('\0'));
}

TEST_CASE("ascii: a token has at least one character") {
  CHECK(ascii::is_token("Sec-WebSocket-Key"));
  CHECK_FALSE(ascii::is_token(""));
  CHECK_FALSE(ascii::is_token("two words"));
}

TEST_CASE("ascii: comparison ignores case of letters only") {
  CHECK(ascii::equal_ignoring_case("WebSocket", "wEBsOCKET"));
  CHECK(ascii::equal_ignoring_case("", ""));
  CHECK_FALSE(ascii::equal_ignoring_case("websocket", "websockets"));
  // '[' and '{', '@' and '`' differ by the same bit as the letters do.
  CHECK_FALSE(ascii::equal_ignoring_case("[@", "{`"));
}

TEST_CASE("ascii: trim removes spaces and tabs at both ends") {
  CHECK(ascii::trim(" \t a b\t ") == "a b");
  CHECK(ascii::trim(" \t ") == "");
  CHECK(ascii::trim("\r\na\n") == "\r\na\n");
}

TEST_CASE("ascii: list elements are trimmed and empty ones skipped") {
  CHECK(elements_of("keep-alive, Upgrade") == std::vector<std::string>{"keep-alive", "Upgrade"});
  CHECK(elements_of(" , a,,\tb c , ") == std::vector<std::string>{"a", "b c"});
  CHECK(elements_of("").empty());
  CHECK(elements_of(",").empty());
}

TEST_CASE("ascii: decimal numbers are digits only") {
  CHECK(ascii::parse_decimal("0") == 0u);
  CHECK(ascii::parse_decimal("0013") == 13u);
  CHECK(ascii::parse_decimal("9999999999999999999") == 9'999'999'999'999'999'999u);
  for (std::string_view bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1e3", "10000000000000000000"}) {
    CAPTURE(bad);
    CHECK_FALSE(ascii::parse_decimal(bad));
  }
}

TEST_CASE("ascii: hexadecimal digits in both cases") {
  int value = 0;
  for (char c : std::string_view("0123456789abcdef")) CHECK(ascii::hex_digit(c) == value++);
  value = 10;
  for (char c : std::string_view("ABCDEF")) CHECK(ascii::hex_digit(c) == value++);
  for (char c : std::string_view("/:@G`g ")) CHECK_FALSE(ascii::hex_digit(c));
}
