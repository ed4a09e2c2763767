// SPDX-License-Identifier: Apache-2.0
#include "core/tls/handover.h"

#include <openssl/ssl.h>

#include <array>
#include <string_view>

#include "core/base/ascii.h"
#include "core/base/bytes.h"

namespace peal::tls {
namespace {

bool decode_hex(std::string_view text, Secret& secret) {
  if (text.size() % 2 != 0 || text.size() > 2 * secret.octets.size()) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = ascii::hex_digit(text[i]);
    const auto low = ascii::hex_digit(text[i + 1]);
    if (!high || !low) return false;
    secret.octets[i / 2] = static_cast<std::byte>(*high << 4 | *low);
  }
  return true;
}

// "LABEL CLIENT_RANDOM SECRET", as in SSL_CTX_set_keylog_callback(3).
void on_secret(const SSL* ssl, const char* text) {
  auto* handover = static_cast<Handover*>(SSL_get_app_data(ssl));
  if (!handover) return;
  const std::string_view line(text);
  const std::string_view label = line.substr(0, line.find(' '));
  const std::string_view secret = line.substr(line.rfind(' ') + 1);
  if (label == "CLIENT_TRAFFIC_SECRET_0") {
    handover->has_client = decode_hex(secret, handover->client);
  } else if (label == "SERVER_TRAFFIC_SECRET_0") {
    handover->has_server = decode_hex(secret, handover->server);
    handover->records_sent = 0;
  }
}

void on_message(int sent, int, int type, const void*, std::size_t, SSL*, void* handover) {
  if (sent && type == SSL3_RT_HEADER) ++static_cast<Handover*>(handover)->records_sent;
}

std::optional<Aead> aead_of(const SSL* ssl) {
  switch (SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl))) {
    case NID_aes_128_gcm:
      return Aead::aes_128_gcm;
    case NID_aes_256_gcm:
      return Aead::aes_256_gcm;
    case NID_chacha20_poly1305:
      return Aead::chacha20_poly1305;
    default:
      return std::nullopt;
  }
}

Channel tls13_channel(const SSL* ssl, const Handover& handover, Aead aead) {
  Channel channel{.version = Version::tls13,
                  .client = {derive_key(handover.client, aead), handover.client},
                  .server = {derive_key(handover.server, aead), handover.server}};
  // A client's first record under its key is yet to come, as is the first that it reads.
  if (SSL_is_server(ssl)) channel.server.key.sequence = handover.records_sent;
  return channel;
}

Channel tls12_channel(const SSL* ssl, Aead aead) {
  Secret master;
  std::array<std::byte, 32> client_random;
  std::array<std::byte, 32> server_random;
  const auto octets = [](std::span<std::byte> bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
  };
  SSL_SESSION_get_master_key(SSL_get_session(ssl), octets(master.octets), master.octets.size());
  SSL_get_client_random(ssl, octets(client_random), client_random.size());
  SSL_get_server_random(ssl, octets(server_random), server_random.size());
  const KeyPair keys = derive_keys(master, client_random, server_random, aead);
  Channel channel{.version = Version::tls12,
                  .client = {.key = keys.client, .secret = {}},
                  .server = {.key = keys.server, .secret = {}}};
  // Finished was the first record under these keys, on either side.
  channel.client.key.sequence = channel.server.key.sequence = 1;
  return channel;
}

}  // namespace

void allow_overhearing(ssl_ctx_st* context) {
  SSL_CTX_set_keylog_callback(context, on_secret);
}

void overhear(ssl_st* ssl, Handover& handover) {
  SSL_set_app_data(ssl, &handover);
  SSL_set_msg_callback(ssl, on_message);
  SSL_set_msg_callback_arg(ssl, &handover);
}

std::optional<Channel> take_over(ssl_st* ssl, const Handover& handover) {
  const std::optional<Aead> aead = aead_of(ssl);
  if (!aead || SSL_has_pending(ssl)) return std::nullopt;
  if (SSL_version(ssl) != TLS1_3_VERSION) return tls12_channel(ssl, *aead);
  if (!handover.has_client || !handover.has_server) return std::nullopt;
  return tls13_channel(ssl, handover, *aead);
}

}  // namespace peal::tls
