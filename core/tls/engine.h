// SPDX-License-Identifier: Apache-2.0
// One TLS connection without a socket: ciphertext in, plaintext out, and the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/tls/context.h"
#include "core/tls/handover.h"
#include "core/tls/openssl.h"
#include "core/tls/record_buffer.h"
#include "core/tls/record_layer.h"
#include "core/tls/wire.h"

namespace peal::tls {

/// OpenSSL shakes hands; a server's connection then goes over to a RecordLayer, and OpenSSL's 13
/// KiB for it are free. A client's stays with OpenSSL, unless it is told not to.
///
/// Owner: a connection. Thread: the shard's. Errors: state() and failure().
/// Limits: between calls it holds its output, and up to 17 KiB of a record that is incomplete.
/// Output grows with what is written; reading adds a handshake and less than the size of the input.
class Engine {
 public:
  enum class State : std::uint8_t {
    handshake,
    open,
    ended,   ///< the peer has sent close_notify: nothing more comes, though we may still write
    failed,  ///< nothing more either way; an alert may be in the output
  };

  /// What a client wants of the connection, beside its Context.
  struct ClientStart {
    std::string host;                  ///< for SNI, and to be in the certificate; may be empty
    ssl_session_st* resume = nullptr;  ///< from session() of an earlier one
    bool hand_over = false;            ///< go on as a server does, without a session()
  };

  /// The server's side.
  Engine(const Context& context, BlockPool& pool)
      : context_(&context), pool_(&pool), buffer_(pool), wire_(pool) {}
  /// The client's side; its first flight is in the output at once.
  Engine(const Context& context, BlockPool& pool, const ClientStart& start);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  State state() const { return state_; }

  /// Takes ciphertext off the front of `input` and decrypts into `plaintext`; returns the bytes
  /// written there. When that is less than plaintext.size(), `input` is used up and nothing more
  /// can be decrypted, or state() is now `ended` or `failed`, and what is left of `input` is of
  /// no use, or `records` is used up: how many more it may decrypt, less those that it has; null:
  /// any number. A client that was not handed over does not count them. Runs the handshake as well.
  /// Requires: plaintext is not empty.
  std::size_t read(Bytes& input, MutableBytes plaintext, std::size_t* records = nullptr);

  /// Encrypts all of it into the output, in records of up to 16 KiB.
  /// Requires: state() is open or ended, and shut_down() was not called. May fail.
  void write(Bytes plaintext);

  /// Puts close_notify into the output, once, unless in handshake or failed (RFC 8446 section 6.1).
  void shut_down();

  /// Ciphertext for the peer, in order.
  using Output = Wire::Output;
  bool has_output() const { return wire_.has_output(); }
  /// The oldest; none is added to it any more. Requires: has_output().
  Output take_output() { return wire_.take_output(); }

  /// Why it failed, in OpenSSL's words, for a log line; "" unless failed.
  const char* failure() const { return failure_; }
  /// Failed since the client speaks HTTP without TLS.
  bool is_plain_http() const { return plain_http_; }

  /// What came of the handshake.
  struct Agreement {
    Version version = Version::tls12;
    bool resumed = false;
    bool has_peer_certificate = false;
    const char* cipher = "";  ///< "TLS_AES_128_GCM_SHA256"; static
    std::string server_name;  ///< SNI; empty when the client sent none
  };
  /// Valid once state() has been open.
  const Agreement& agreement() const { return agreement_; }

  /// Client: what may resume this session; null before the server's ticket has been read.
  Session session() const;

  /// Client: OpenSSL's object; null once failed.
  ssl_st* native() const { return ssl_.get(); }

 private:
  enum class Side : std::uint8_t { server, client };

  void start();
  bool shake_hands(Bytes& input);
  bool may_go_on(Bytes record);
  void step(Bytes& input);
  void open();
  std::size_t decrypt(Bytes& input, MutableBytes plaintext);
  void note(int outcome);
  void refuse(std::uint8_t alert, const char* reason);
  void fail(const char* reason);

  const Context* context_;
  BlockPool* pool_;
  RecordBuffer buffer_;  ///< in a server, and where there is a RecordLayer
  Wire wire_;
  SslPtr ssl_;  ///< in a handshake that has begun, and in a client that is not handed over
  std::unique_ptr<Handover> handover_;  ///< in a handshake whose end hands over
  std::optional<RecordLayer> records_;  ///< what it has been handed over to
  const char* failure_ = "";
  State state_ = State::handshake;
  Side side_ = Side::server;
  bool plain_http_ = false;
  bool second_hello_ = false;       ///< has begun, see RFC 8446 section 4.1.4
  std::uint8_t hello_octets_ = 0;   ///< of the header of a client's hello that have come
  std::uint32_t hello_header_ = 0;  ///< those
  Agreement agreement_;
};

}  // namespace peal::tls
