// SPDX-License-Identifier: Apache-2.0
#include "core/tls/key_schedule.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/check.h"

namespace peal::tls {
namespace {

// The hash goes with the cipher: TLS_AES_256_GCM_SHA384, all others have SHA-256.
bool is_sha384(Aead aead) {
  return aead == Aead::aes_256_gcm;
}

/// HKDF-Expand-Label without a context (RFC 8446 section 7.1). Requires: one hash is enough for
/// `out`.
void expand_label(const Secret& secret, std::string_view label, Aead aead, MutableBytes out) {
  std::string info;
  info += '\0';
  info += static_cast<char>(out.size());
  info += static_cast<char>(6 + label.size());
  info += "tls13 ";
  info += label;
  info += '\0';
  info += '\1';  // the first and only block of HKDF-Expand (RFC 5869 section 2.3)
  std::array<unsigned char, 48> hash;
  const std::size_t hash_size = is_sha384(aead) ? 48 : 32;
  PEAL_CHECK(out.size() <= hash_size);
  PEAL_CHECK(HMAC(is_sha384(aead) ? EVP_sha384() : EVP_sha256(), secret.octets.data(),
                  static_cast<int>(hash_size), reinterpret_cast<const unsigned char*>(info.data()),
                  info.size(), hash.data(), nullptr));
  std::memcpy(out.data(), hash.data(), out.size());
  OPENSSL_cleanse(hash.data(), hash.size());
}

struct KdfFree {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

/// The PRF of RFC 5246 section 5. `seed` holds the label too.
void expand_master(const Secret& master, MutableBytes seed, Aead aead, MutableBytes out) {
  const std::unique_ptr<EVP_KDF, KdfFree> kdf(
      EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const std::unique_ptr<EVP_KDF_CTX, KdfFree> context(EVP_KDF_CTX_new(kdf.get()));
  std::string digest = is_sha384(aead) ? "SHA384" : "SHA256";
  Secret secret = master;  // the parameters are not const
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.octets.data(),
                                        secret.octets.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end(),
  };
  PEAL_CHECK(EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                            parameters) == 1);
}

}  // namespace

Secret::~Secret() {
  OPENSSL_cleanse(this, sizeof *this);
}

TrafficKey derive_key(const Secret& secret, Aead aead) {
  TrafficKey key;
  key.aead = aead;
  expand_label(secret, "key", aead, MutableBytes(key.key).first(key_size(aead)));
  expand_label(secret, "iv", aead, key.iv);
  return key;
}

Secret next_secret(const Secret& secret, Aead aead) {
  Secret next;
  expand_label(secret, "traffic upd", aead,
               MutableBytes(next.octets).first(is_sha384(aead) ? 48 : 32));
  return next;
}

KeyPair derive_keys(const Secret& master, Random client, Random server, Aead aead) {
  constexpr std::string_view kLabel = "key expansion";
  std::array<std::byte, kLabel.size() + 64> seed;
  auto end = std::ranges::copy(as_bytes(kLabel), seed.begin()).out;
  end = std::ranges::copy(server, end).out;
  std::ranges::copy(client, end);

  // The implicit part of the nonce: RFC 5288 section 3, RFC 7905 section 2.
  const std::size_t iv_size = aead == Aead::chacha20_poly1305 ? kNonceSize : 4;
  std::array<std::byte, 2 * (32 + kNonceSize)> block{};
  MutableBytes rest = MutableBytes(block).first(2 * (key_size(aead) + iv_size));
  expand_master(master, seed, aead, rest);
  const auto take = [&](MutableBytes to) {
    std::ranges::copy(rest.first(to.size()), to.begin());
    rest = rest.subspan(to.size());
  };
  KeyPair pair;
  pair.client.aead = pair.server.aead = aead;
  take(MutableBytes(pair.client.key).first(key_size(aead)));
  take(MutableBytes(pair.server.key).first(key_size(aead)));
  take(MutableBytes(pair.client.iv).first(iv_size));
  take(MutableBytes(pair.server.iv).first(iv_size));
  OPENSSL_cleanse(block.data(), block.size());
  return pair;
}

}  // namespace peal::tls
