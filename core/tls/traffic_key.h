// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/bytes.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace peal::tls {

/// The authenticated ciphers that are offered; all have nonces of 12 octets and tags of 16.
enum class Aead : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

constexpr std::size_t kTagSize = 16;
constexpr std::size_t kNonceSize = 12;

constexpr std::size_t key_size(Aead aead) {
  return aead == Aead::aes_128_gcm ? 16 : 32;
}

/// What protects one direction of a connection: plain data, wiped at its end.
struct TrafficKey {
  std::array<std::byte, 32> key{};
  std::array<std::byte, kNonceSize> iv{};
  std::uint64_t sequence = 0;  ///< of the next record
  Aead aead = Aead::aes_128_gcm;

  TrafficKey() = default;
  TrafficKey(const TrafficKey&) = default;
  TrafficKey& operator=(const TrafficKey&) = default;
  ~TrafficKey();
};

/// One record under way through a cipher. The state of the cipher belongs to the thread and is
/// keyed anew for each record, so that a connection keeps none; hence one at a time in a thread.
/// Owner, thread: the call that seals or opens. Errors: none but `finish_open`.
class AeadRun {
 public:
  enum class Way : std::uint8_t { open, seal };

  AeadRun(const TrafficKey& key, std::span<const std::byte, kNonceSize> nonce, Way way,
          Bytes additional_data);
  AeadRun(const AeadRun&) = delete;
  AeadRun& operator=(const AeadRun&) = delete;

  /// Requires: to.size() >= from.size(); the same memory or apart.
  void process(Bytes from, MutableBytes to);

  void finish_seal(std::span<std::byte, kTagSize> tag);
  /// False: what was opened is not what the peer sealed, and must not be looked at.
  bool finish_open(std::span<const std::byte, kTagSize> tag);

 private:
  evp_cipher_ctx_st* cipher_;
};

}  // namespace peal::tls
