// SPDX-License-Identifier: Apache-2.0
#include "core/tls/engine.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

#include "core/base/check.h"

namespace peal::tls {
namespace {

// OpenSSL makes the session of a connection unusable that ends without close_notify.
Session copy_of(SSL_SESSION* session) {
  return Session(SSL_SESSION_dup(session));
}

// OpenSSL takes memory for all of a message as soon as it has been told the length. Browsers' are
// below 2 KiB, of which post-quantum key shares are the most.
constexpr std::size_t kMaxHello = 16 << 10;

constexpr std::uint8_t kHandshakeType = 22;

/// A record that may begin a handshake, with as much of a hello as the client likes.
bool begins_handshake(Bytes header) {
  return record_type(header) == kHandshakeType && record_length(header) > 0 &&
         record_length(header) <= kMaxContent;
}

/// A record that may follow: RFC 5246 section 6.2.3 allows the most.
bool continues_handshake(Bytes header) {
  return record_length(header) <= kMaxContent + 2048;
}

// Alerts (RFC 8446 section 6).
constexpr std::uint8_t kUnexpectedMessage = 10;
constexpr std::uint8_t kIllegalParameter = 47;

}  // namespace

Engine::Engine(const Context& context, BlockPool& pool, const ClientStart& how)
    : Engine(context, pool) {
  side_ = Side::client;
  start();
  if (how.hand_over) {
    handover_ = std::make_unique<Handover>();
    overhear(ssl_.get(), *handover_);
  }
  if (!how.host.empty()) {
    PEAL_CHECK(SSL_set_tlsext_host_name(ssl_.get(), how.host.c_str()));
    PEAL_CHECK(SSL_set1_host(ssl_.get(), how.host.c_str()));
  }
  if (how.resume) {
    const Session own = copy_of(how.resume);
    PEAL_CHECK(SSL_set_session(ssl_.get(), own.get()));
  }
  Bytes nothing;
  step(nothing);
}

void Engine::start() {
  ssl_.reset(SSL_new(context_->native()));
  PEAL_CHECK(ssl_);
  BIO* bio = wire_.make_bio();
  SSL_set_bio(ssl_.get(), bio, bio);
  if (side_ == Side::client) return SSL_set_connect_state(ssl_.get());
  SSL_set_accept_state(ssl_.get());
  handover_ = std::make_unique<Handover>();
  overhear(ssl_.get(), *handover_);
}

std::size_t Engine::read(Bytes& input, MutableBytes plaintext, std::size_t* records) {
  PEAL_DCHECK(!plaintext.empty());
  while (state_ == State::handshake) {
    if (!shake_hands(input)) break;
  }
  if (state_ != State::open) return 0;
  if (!records_) return decrypt(input, plaintext);
  const std::size_t size = records_->read(input, plaintext, records);
  if (records_->state() == RecordLayer::State::ended) state_ = State::ended;
  if (records_->state() == RecordLayer::State::failed) fail(records_->failure());
  return size;
}

/// False when there is not enough input.
bool Engine::shake_hands(Bytes& input) {
  if (side_ == Side::client) {
    step(input);
    return !input.empty();
  }
  const auto expected = ssl_ ? continues_handshake : begins_handshake;
  Bytes record = buffer_.next(input, expected);
  if (record.empty()) return false;
  const bool taken = expected(record);
  if (taken && !may_go_on(record)) {
    refuse(kIllegalParameter, "client hello too long");
    return true;
  }
  if (!ssl_) start();
  step(record);
  // OpenSSL finds words for most headers that were refused.
  if (!taken && state_ == State::handshake)
    refuse(kUnexpectedMessage, "not a record of a handshake");
  buffer_.release();
  return true;
}

/// False when a hello says that it is too long. Its header may come in pieces.
bool Engine::may_go_on(Bytes record) {
  if (record_type(record) != kHandshakeType) return true;
  // After a HelloRetryRequest OpenSSL is in this state as well, and in no other hello may come.
  if (ssl_ && !second_hello_ && SSL_get_state(ssl_.get()) == TLS_ST_EARLY_DATA) {
    second_hello_ = true;
    hello_octets_ = 0;
  }
  for (const std::byte octet : record.subspan(kRecordHeaderSize)) {
    if (hello_octets_ == kMessageHeaderSize) break;
    hello_header_ = hello_header_ << 8 | std::to_integer<std::uint32_t>(octet);
    ++hello_octets_;
  }
  return hello_octets_ < kMessageHeaderSize || (hello_header_ & 0xffffff) <= kMaxHello;
}

/// Fails, with an alert to a client with whom no version has been agreed.
void Engine::refuse(std::uint8_t alert, const char* reason) {
  const std::array<std::byte, 7> record = {std::byte{21},   std::byte{3}, std::byte{3},
                                           std::byte{0},    std::byte{2}, std::byte{2},
                                           std::byte{alert}};
  wire_.write(record);
  fail(reason);
}

/// Lets OpenSSL go on with the handshake.
void Engine::step(Bytes& input) {
  wire_.set_input(&input);
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  wire_.set_input(nullptr);
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
  const bool client = side_ == Side::client;
  const std::optional<Channel> channel = take_over(ssl, *handover_);
  ssl_.reset();
  handover_.reset();
  if (!channel) return fail("the handshake left something undone");
  records_.emplace(channel->version, client ? channel->server : channel->client,
                   client ? channel->client : channel->server, buffer_, wire_, *pool_, client);
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
    state_ == State::open ? void(state_ = State::ended) : fail("closed in the handshake");
    return;
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  plain_http_ = reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST;
  fail(reason == SSL_R_CERTIFICATE_VERIFY_FAILED
           ? X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()))
           : reason_of(error));
  ERR_clear_error();
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
