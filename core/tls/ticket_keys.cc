// SPDX-License-Identifier: Apache-2.0
#include "core/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace peal::tls {
namespace {

bool fill(std::span<std::uint8_t> bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

bool start_mac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// What SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants to hear.
enum Answer : int { kError = -1, kNoTicket = 0, kDone = 1, kDoneButRenew = 2 };

Answer seal(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac) {
  std::optional<TicketKeys::Key> key = keys.newest();
  const EVP_CIPHER* algorithm = EVP_aes_256_cbc();
  if (!key || !fill({iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(algorithm))}))
    return kNoTicket;
  std::ranges::copy(key->name, name);
  return EVP_EncryptInit_ex(cipher, algorithm, nullptr, key->cipher.data(), iv) == 1 &&
                 start_mac(mac, *key)
             ? kDone
             : kError;
}

Answer open(TicketKeys& keys, const unsigned char* name, const unsigned char* iv,
            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  auto found =
      keys.find(std::span<const std::uint8_t, TicketKeys::kNameSize>(name, TicketKeys::kNameSize));
  if (!found) return kNoTicket;
  TicketKeys::Key& key = found->key;
  if (!start_mac(mac, key) ||
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1)
    return kError;
  return found->newest ? kDone : kDoneButRenew;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int sealing) {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return sealing ? seal(keys, name, iv, cipher, mac) : open(keys, name, iv, cipher, mac);
}

}  // namespace

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(this, sizeof *this);
}

std::optional<TicketKeys::Key> TicketKeys::newest() {
  const std::lock_guard lock(mutex_);
  rotate();
  if (!newest_) return std::nullopt;
  return newest_->key;
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const std::uint8_t, kNameSize> name) {
  const std::lock_guard lock(mutex_);
  rotate();
  for (const auto* generation : {&newest_, &previous_})
    if (*generation && std::ranges::equal((*generation)->key.name, name))
      return Found{(*generation)->key, generation == &newest_};
  return std::nullopt;
}

void TicketKeys::rotate() {
  const Instant now = now_();
  if (newest_ && now - newest_->made < period_) return;
  // The previous key has sealed nothing for a period, the newest one nothing for what is over one.
  previous_.reset();
  if (newest_ && now - newest_->made < 2 * period_) previous_ = newest_;
  newest_.reset();
  Generation fresh{.key = {}, .made = now};
  if (fill(fresh.key.name) && fill(fresh.key.cipher) && fill(fresh.key.mac)) newest_ = fresh;
}

void TicketKeys::serve(ssl_ctx_st* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(period_).count();
  SSL_CTX_set_timeout(context, static_cast<long>(seconds));
}

}  // namespace peal::tls
