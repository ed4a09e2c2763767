// SPDX-License-Identifier: Apache-2.0
#include "core/tls/engine.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/base/check.h"

namespace peal::tls {
namespace {

// OpenSSL makes the session of a connection unusable that ends without close_notify.
Session copy_of(SSL_SESSION* session) {
  return Session(SSL_SESSION_dup(session));
}

}  // namespace

Engine::Engine(const Context& context, BlockPool& pool, Side side)
    : wire_(pool), pool_(&pool), ssl_(SSL_new(context.native())) {
  PEAL_CHECK(ssl_);
  BIO* bio = wire_.make_bio();
  SSL_set_bio(ssl_.get(), bio, bio);
  if (side == Side::server) {
    SSL_set_accept_state(ssl_.get());
    handover_ = std::make_unique<Handover>();
    overhear(ssl_.get(), *handover_);
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

Engine::Engine(const Context& context, BlockPool& pool) : Engine(context, pool, Side::server) {}

Engine::Engine(const Context& context, BlockPool& pool, const ClientStart& start)
    : Engine(context, pool, Side::client) {
  if (!start.host.empty()) {
    PEAL_CHECK(SSL_set_tlsext_host_name(ssl_.get(), start.host.c_str()));
    PEAL_CHECK(SSL_set1_host(ssl_.get(), start.host.c_str()));
  }
  if (start.resume) {
    const Session own = copy_of(start.resume);
    PEAL_CHECK(SSL_set_session(ssl_.get(), own.get()));
  }
  shake_hands();
}

std::size_t Engine::read(Bytes& input, MutableBytes plaintext) {
  PEAL_DCHECK(!plaintext.empty());
  if (state_ == State::handshake) {
    wire_.set_input(&input);
    shake_hands();
    wire_.set_input(nullptr);
  }
  if (state_ != State::open) return 0;
  if (!records_) return decrypt(input, plaintext);
  const std::size_t size = records_->read(input, plaintext);
  note_records();
  return size;
}

void Engine::shake_hands() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  outcome == 1 ? open() : note(outcome);
}

void Engine::open() {
  SSL* ssl = ssl_.get();
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  agreement_ = {
      .version = SSL_version(ssl) == TLS1_3_VERSION ? Version::tls13 : Version::tls12,
      .resumed = SSL_session_reused(ssl) == 1,
      .has_peer_certificate = SSL_get0_peer_certificate(ssl) != nullptr,
      .cipher = SSL_get_cipher_name(ssl),
      .server_name = name ? name : "",
  };
  state_ = State::open;
  if (!handover_) return;
  const std::optional<Channel> channel = take_over(ssl, *handover_);
  ssl_.reset();
  handover_.reset();
  if (!channel) return fail("the handshake left something undone");
  records_.emplace(channel->version, channel->client, channel->server, wire_, *pool_);
}

/// A client's read(), by OpenSSL.
std::size_t Engine::decrypt(Bytes& input, MutableBytes plaintext) {
  wire_.set_input(&input);
  std::size_t done = 0;
  bool more = true;
  while (more && done < plaintext.size()) {
    ERR_clear_error();
    std::size_t size = 0;
    const MutableBytes place = plaintext.subspan(done);
    const int outcome = SSL_read_ex(ssl_.get(), place.data(), place.size(), &size);
    more = outcome == 1;
    if (!more) note(outcome);
    done += size;
  }
  wire_.set_input(nullptr);
  return done;
}

void Engine::write(Bytes plaintext) {
  PEAL_DCHECK(state_ == State::open || state_ == State::ended);
  if (plaintext.empty()) return;
  if (records_) return records_->write(plaintext);
  ERR_clear_error();
  std::size_t size = 0;
  // The wire takes all there is, so it is written at once or not at all.
  const int outcome = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size);
  if (outcome != 1) note(outcome);
}

void Engine::shut_down() {
  if (state_ != State::open && state_ != State::ended) return;
  if (records_) return records_->shut_down();
  ERR_clear_error();
  if (!(SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN)) SSL_shutdown(ssl_.get());
}

/// After a call of OpenSSL that was not a success.
void Engine::note(int outcome) {
  const int kind = SSL_get_error(ssl_.get(), outcome);
  if (kind == SSL_ERROR_WANT_READ) return;
  if (kind == SSL_ERROR_ZERO_RETURN) {
    state_ = State::ended;
    return;
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  plain_http_ = reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST;
  fail(reason_of(error));
  ERR_clear_error();
}

void Engine::note_records() {
  if (records_->state() == RecordLayer::State::ended) state_ = State::ended;
  if (records_->state() == RecordLayer::State::failed) fail(records_->failure());
}

void Engine::fail(const char* reason) {
  state_ = State::failed;
  failure_ = reason;
  ssl_.reset();
  handover_.reset();
}

Session Engine::session() const {
  SSL_SESSION* session = ssl_ ? SSL_get0_session(ssl_.get()) : nullptr;
  if (!session || !SSL_SESSION_is_resumable(session)) return nullptr;
  return copy_of(session);
}

}  // namespace peal::tls
