// SPDX-License-Identifier: Apache-2.0
#include "core/base/base64.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace peal {
namespace {

std::string encoded(std::string_view octets) {
  std::string text(base64_size(octets.size()), '\0');
  CHECK(write_base64(text.data(), as_bytes(octets)) == text.data() + text.size());
  return text;
}

std::optional<std::string> decoded(std::string_view text) {
  std::vector<std::byte> octets(text.size() / 4 * 3);
  const auto size = read_base64(text, octets.data());
  if (!size) return std::nullopt;
  REQUIRE(*size <= octets.size());
  return std::string(as_text(Bytes(octets).first(*size)));
}

TEST_CASE("base64: the test vectors of RFC 4648 section 10") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : vectors) {
    CHECK(encoded(octets) == text);
    CHECK(decoded(text) == octets);
  }
}

TEST_CASE("base64: what nobody would write is refused") {
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zm9=v", "Zg==Zg==", "Zm9v\n",
        " Zm9v", "Zm9-", "Zm9_", "Zh==", "Zm9=", "Zm=="})
    CHECK_MESSAGE(!decoded(text), text);
}

TEST_CASE("base64: any octets come back") {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string octets(size, '\0');
    for (char& octet : octets) octet = static_cast<char>(random());
    CHECK(decoded(encoded(octets)) == octets);
  }
}

}  // namespace
}  // namespace peal
