// SPDX-License-Identifier: Apache-2.0
#include "core/tls/engine.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/base/check.h"

namespace peal::tls {
namespace {

// What a record adds at most: header, explicit nonce, type, tag (RFC 5288, RFC 8446 section 5.2).
constexpr std::size_t kRecordOverhead = 5 + 8 + 1 + 16;

std::size_t ciphertext_size(std::size_t plaintext_size) {
  return plaintext_size + (plaintext_size / SSL3_RT_MAX_PLAIN_LENGTH + 1) * kRecordOverhead;
}

}  // namespace

Engine::Engine(const Context& context, BlockPool& pool, Side side)
    : ssl_(SSL_new(context.native())), wire_(pool) {
  PEAL_CHECK(ssl_);
  BIO* bio = wire_.make_bio();
  SSL_set_bio(ssl_.get(), bio, bio);
  side == Side::server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
}

Engine::Engine(const Context& context, BlockPool& pool) : Engine(context, pool, Side::server) {}

Engine::Engine(const Context& context, BlockPool& pool, const ClientStart& start)
    : Engine(context, pool, Side::client) {
  if (!start.host.empty()) {
    PEAL_CHECK(SSL_set_tlsext_host_name(ssl_.get(), start.host.c_str()));
    PEAL_CHECK(SSL_set1_host(ssl_.get(), start.host.c_str()));
  }
  if (start.resume) PEAL_CHECK(SSL_set_session(ssl_.get(), start.resume));
  shake_hands();
}

std::size_t Engine::read(Bytes& input, MutableBytes plaintext) {
  PEAL_DCHECK(!plaintext.empty());
  wire_.set_input(&input);
  if (state_ == State::handshake) shake_hands();
  std::size_t done = 0;
  // Also when the input is used up by the handshake: it lets go of its buffers when nothing comes.
  bool more = state_ == State::open;
  while (more) {
    done += decrypt(plaintext.subspan(done));
    more = state_ == State::open && done < plaintext.size() &&
           (!input.empty() || SSL_pending(ssl_.get()) > 0);
  }
  wire_.set_input(nullptr);
  return done;
}

void Engine::shake_hands() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  outcome == 1 ? void(state_ = State::open) : note(outcome);
}

std::size_t Engine::decrypt(MutableBytes plaintext) {
  ERR_clear_error();
  std::size_t size = 0;
  const int outcome = SSL_read_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size);
  if (outcome != 1) note(outcome);
  return size;
}

void Engine::write(Bytes plaintext) {
  PEAL_DCHECK(state_ == State::open || state_ == State::ended);
  if (plaintext.empty()) return;
  ERR_clear_error();
  wire_.expect_output(ciphertext_size(plaintext.size()));
  std::size_t size = 0;
  // The wire takes all there is, so it is written at once or not at all.
  const int outcome = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size);
  if (outcome != 1) note(outcome);
}

void Engine::shut_down() {
  const bool sent = (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
  if (sent || state_ == State::handshake || state_ == State::failed) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

void Engine::note(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::ended;
      return;
    default:
      state_ = State::failed;
      error_ = ERR_peek_error();
      ERR_clear_error();
  }
}

const char* Engine::failure() const {
  return state_ == State::failed ? reason_of(error_) : "";
}

bool Engine::is_plain_http() const {
  const int reason = ERR_GET_REASON(error_);
  return state_ == State::failed && ERR_GET_LIB(error_) == ERR_LIB_SSL &&
         (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST);
}

Version Engine::version() const {
  return SSL_version(ssl_.get()) == TLS1_3_VERSION ? Version::tls13 : Version::tls12;
}

const char* Engine::cipher() const {
  return SSL_get_cipher_name(ssl_.get());
}

bool Engine::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

std::string_view Engine::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name ? name : std::string_view();
}

bool Engine::has_peer_certificate() const {
  return SSL_get0_peer_certificate(ssl_.get()) != nullptr;
}

Session Engine::session() const {
  SSL_SESSION* session = SSL_get0_session(ssl_.get());
  if (!session || !SSL_SESSION_is_resumable(session)) return nullptr;
  SSL_SESSION_up_ref(session);
  return Session(session);
}

}  // namespace peal::tls
