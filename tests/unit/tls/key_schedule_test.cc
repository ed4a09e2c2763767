// SPDX-License-Identifier: Apache-2.0
#include "core/tls/key_schedule.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "core/base/ascii.h"

namespace peal::tls::test {
namespace {

std::string hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte octet : bytes) {
    text += kDigits[static_cast<std::size_t>(octet >> 4)];
    text += kDigits[static_cast<std::size_t>(octet & std::byte{15})];
  }
  return text;
}

Secret secret_of(std::string_view text) {
  Secret secret;
  for (std::size_t i = 0; i < text.size(); i += 2)
    secret.octets[i / 2] =
        static_cast<std::byte>(*ascii::hex_digit(text[i]) << 4 | *ascii::hex_digit(text[i + 1]));
  return secret;
}

// RFC 8448 section 3, "Simple 1-RTT Handshake".
TEST_CASE("derive_key: the application keys of RFC 8448") {
  const TrafficKey server =
      derive_key(secret_of("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"),
                 Aead::aes_128_gcm);
  CHECK(hex(Bytes(server.key).first(16)) == "9f02283b6c9c07efc26bb9f2ac92e356");
  CHECK(hex(server.iv) == "cf782b88dd83549aadf1e984");
  CHECK(server.sequence == 0);
  const TrafficKey client =
      derive_key(secret_of("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"),
                 Aead::aes_128_gcm);
  CHECK(hex(Bytes(client.key).first(16)) == "17422dda596ed5d9acd890e3c63f5051");
  CHECK(hex(client.iv) == "5b78923dee08579033e523d9");
}

TEST_CASE("next_secret: differs, and goes on differing") {
  for (const Aead aead : {Aead::aes_128_gcm, Aead::aes_256_gcm, Aead::chacha20_poly1305}) {
    const Secret first = secret_of("00112233");
    const Secret second = next_secret(first, aead);
    CHECK(second.octets != first.octets);
    CHECK(next_secret(second, aead).octets != second.octets);
    CHECK(next_secret(first, aead).octets == second.octets);
  }
}

}  // namespace
}  // namespace peal::tls::test
