// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/tls/key_schedule.h"
#include "core/tls/record_buffer.h"
#include "core/tls/traffic_key.h"
#include "core/tls/version.h"
#include "core/tls/wire.h"

namespace peal::tls {

/// The records of a connection once the handshake is over: RFC 8446 section 5, and for TLS
/// 1.2 RFC 5246 section 6.2 with RFC 5288 (AES-GCM) or 7905 (ChaCha20-Poly1305). OpenSSL's own
/// would keep 13 KiB for each connection, this takes a few hundred octets.
///
/// Owner: an engine. Thread: the shard's. Errors: state() and failure(), with the alert on the
/// wire. Limits: holds a record that is incomplete, or plaintext that there was no room for, in a
/// block; answers any number of key updates with one.
class RecordLayer {
 public:
  enum class State : std::uint8_t { open, ended, failed };

  /// `tickets`: the peer is a server, and tickets of its are passed over.
  RecordLayer(Version version, const Traffic& in, const Traffic& out, RecordBuffer& buffer,
              Wire& wire, BlockPool& pool, bool tickets = false)
      : buffer_(&buffer),
        wire_(&wire),
        pool_(&pool),
        version_(version),
        tickets_(tickets),
        in_(in),
        out_(out) {}
  RecordLayer(const RecordLayer&) = delete;
  RecordLayer& operator=(const RecordLayer&) = delete;
  ~RecordLayer() { pool_->give(leftover_); }

  State state() const { return state_; }
  /// Static words; null unless failed.
  const char* failure() const { return failure_; }

  /// As Engine::read().
  std::size_t read(Bytes& input, MutableBytes plaintext, std::size_t* records = nullptr);
  /// As Engine::write().
  void write(Bytes plaintext);
  /// Sends close_notify, the first time.
  void shut_down();

 private:
  enum class Type : std::uint8_t { alert = 21, handshake = 22, application_data = 23 };
  enum class Alert : std::uint8_t;

  std::size_t open(Bytes record, MutableBytes plaintext);
  bool unseal(Bytes record, MutableBytes to);
  std::size_t take_leftover(MutableBytes plaintext);
  void on_alert(Bytes content);
  void on_handshake(Bytes content);
  Bytes skip_tickets(Bytes content);
  void on_key_update(std::byte request);
  void update_out_key();
  void seal(Type type, Bytes content);
  void send_alert(std::uint8_t level, Alert alert);
  void fail(Alert alert);

  RecordBuffer* buffer_;
  Wire* wire_;
  BlockPool* pool_;
  std::uint32_t leftover_begin_ = 0;
  std::uint32_t leftover_end_ = 0;
  Block* leftover_ = nullptr;  ///< plaintext
  const char* failure_ = nullptr;
  State state_ = State::open;
  Version version_;
  bool tickets_;
  bool shut_down_ = false;
  bool update_owed_ = false;         ///< the peer has asked for a new key of ours
  std::uint8_t updates_ = 0;         ///< of the peer's key since its last application data
  std::uint8_t renegotiations_ = 0;  ///< TLS 1.2: asked for, and refused
  std::uint8_t message_size_ = 0;
  /// TLS 1.3: a KeyUpdate that comes in pieces, or the header of a ticket that does
  std::array<std::byte, 5> message_{};
  std::uint32_t ticket_left_ = 0;  ///< octets of one that have not come
  Traffic in_;
  Traffic out_;
};

}  // namespace peal::tls
