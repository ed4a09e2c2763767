// SPDX-License-Identifier: Apache-2.0
// Seals any records, also those that no decent peer would send.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/tls/key_schedule.h"
#include "core/tls/traffic_key.h"
#include "core/tls/version.h"

namespace peal::tls::test {

inline constexpr std::uint8_t kAlert = 21;
inline constexpr std::uint8_t kHandshake = 22;
inline constexpr std::uint8_t kData = 23;

/// One direction with a key that follows from `fill`.
inline Traffic traffic(std::uint8_t fill) {
  Traffic made;
  made.secret.octets.fill(std::byte{fill});
  made.key = derive_key(made.secret, Aead::aes_128_gcm);
  return made;
}

/// What a peer sends, by AEAD_AES_128_GCM. Written apart from core/tls/record_layer.cc.
class Sealer {
 public:
  Sealer(Version version, const Traffic& out) : version_(version), out_(out) {}

  /// One record.
  std::string sealed(std::uint8_t type, std::string_view content, std::size_t padding = 0) {
    std::string inner(content);
    if (version_ == Version::tls13) inner += static_cast<char>(type) + std::string(padding, '\0');
    return sealed_inner(version_ == Version::tls13 ? kData : type, inner);
  }

  std::string sealed_inner(std::uint8_t outer, const std::string& inner) {
    const bool tls12 = version_ == Version::tls12;
    std::string header = {static_cast<char>(outer), 3, 3};
    const auto put = [](std::string& to, std::uint64_t number, int octets) {
      for (int i = octets; i-- > 0;) to += static_cast<char>(number >> (8 * i));
    };
    std::string record = header;
    put(record, inner.size() + kTagSize + (tls12 ? 8 : 0), 2);
    std::string additional = record;
    auto nonce = out_.key.iv;
    if (tls12) {
      additional.clear();
      put(additional, out_.key.sequence, 8);
      additional += header;
      put(additional, inner.size(), 2);
      put(record, out_.key.sequence, 8);
      store_be(nonce.data() + 4, out_.key.sequence);
    } else {
      store_be(nonce.data() + 4, load_be<std::uint64_t>(nonce.data() + 4) ^ out_.key.sequence);
    }
    std::string body = inner;
    std::array<std::byte, kTagSize> tag;
    AeadRun run(out_.key, nonce, AeadRun::Way::seal, as_bytes(additional));
    run.process(as_bytes(inner), std::as_writable_bytes(std::span(body)));
    run.finish_seal(tag);
    ++out_.key.sequence;
    return record + body + std::string(as_text(tag));
  }

  void update_key() {
    out_.secret = next_secret(out_.secret, out_.key.aead);
    out_.key = derive_key(out_.secret, out_.key.aead);
  }

 private:
  Version version_;
  Traffic out_;
};

}  // namespace peal::tls::test
