// SPDX-License-Identifier: Apache-2.0
#include "core/tls/traffic_key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "core/base/check.h"

namespace peal::tls {
namespace {

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
};
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

const EVP_CIPHER* algorithm(Aead aead) {
  switch (aead) {
    case Aead::aes_128_gcm:
      return EVP_aes_128_gcm();
    case Aead::aes_256_gcm:
      return EVP_aes_256_gcm();
    case Aead::chacha20_poly1305:
      return EVP_chacha20_poly1305();
  }
  std::unreachable();
}

EVP_CIPHER_CTX* cipher_of_thread(Aead aead) {
  thread_local std::array<CipherPtr, 3> ciphers;
  CipherPtr& cipher = ciphers[std::to_underlying(aead)];
  if (!cipher) {
    cipher.reset(EVP_CIPHER_CTX_new());
    // Finding the algorithm is what takes long; it stays when key and nonce change.
    PEAL_CHECK(cipher &&
               EVP_CipherInit_ex(cipher.get(), algorithm(aead), nullptr, nullptr, nullptr, 1) == 1);
  }
  return cipher.get();
}

const unsigned char* octets(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

TrafficKey::~TrafficKey() {
  OPENSSL_cleanse(this, sizeof *this);
}

AeadRun::AeadRun(const TrafficKey& key, std::span<const std::byte, kNonceSize> nonce, Way way,
                 Bytes additional_data)
    : cipher_(cipher_of_thread(key.aead)) {
  int size = 0;
  PEAL_CHECK(EVP_CipherInit_ex(cipher_, nullptr, nullptr, octets(Bytes(key.key)),
                               octets(Bytes(nonce)), way == Way::seal) == 1);
  PEAL_CHECK(EVP_CipherUpdate(cipher_, nullptr, &size, octets(additional_data),
                              static_cast<int>(additional_data.size())) == 1);
}

void AeadRun::process(Bytes from, MutableBytes to) {
  PEAL_DCHECK(to.size() >= from.size());
  int size = 0;
  PEAL_CHECK(EVP_CipherUpdate(cipher_, octets(to), &size, octets(from),
                              static_cast<int>(from.size())) == 1);
  PEAL_DCHECK(static_cast<std::size_t>(size) == from.size());
}

void AeadRun::finish_seal(std::span<std::byte, kTagSize> tag) {
  int size = 0;
  std::array<unsigned char, kTagSize> nothing;
  PEAL_CHECK(EVP_CipherFinal_ex(cipher_, nothing.data(), &size) == 1);
  PEAL_CHECK(EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag.data()) == 1);
}

bool AeadRun::finish_open(std::span<const std::byte, kTagSize> tag) {
  int size = 0;
  std::array<unsigned char, kTagSize> copy;
  std::memcpy(copy.data(), tag.data(), copy.size());
  PEAL_CHECK(EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_AEAD_SET_TAG, kTagSize, copy.data()) == 1);
  if (EVP_CipherFinal_ex(cipher_, copy.data(), &size) == 1) return true;
  ERR_clear_error();
  return false;
}

}  // namespace peal::tls
