// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/tls/engine.h"

namespace peal::conn {

/// TLS on one connection: the engine, and the ciphertext that the kernel is reading. What goes out
/// is in one of three places: unencrypted in the outbox, encrypted in the engine, here.
///
/// Owner: a Connection. Thread: the shard's.
/// Limits: a client that has not said a word has no engine.
class SecureLink {
 public:
  explicit SecureLink(const tls::Context& context) : context_(context) {}
  SecureLink(const SecureLink&) = delete;
  SecureLink& operator=(const SecureLink&) = delete;

  /// Made at the first call.
  tls::Engine& engine(BlockPool& blocks) {
    if (!engine_) engine_.emplace(context_, blocks);
    return *engine_;
  }

  /// Whether it takes bytes to encrypt: after the handshake, also when the peer has said that it
  /// will send no more.
  bool writable() const {
    using State = tls::Engine::State;
    return engine_ && (engine_->state() == State::open || engine_->state() == State::ended);
  }
  /// Whether encrypted bytes wait or are under way.
  bool has_output() const { return sending_.block || (engine_ && engine_->has_output()); }
  bool send_under_way() const { return under_way_; }
  /// Whether the last send took only a part of what was offered.
  bool has_rest() const { return sending_.block != nullptr; }

  /// The ciphertext to send next; it stays in place until sent(). Requires: has_output(), and that
  /// no send is under way.
  Bytes begin_send() {
    if (!sending_.block) {
      sending_ = engine_->take_output();
      sent_ = 0;
    }
    under_way_ = true;
    return Bytes{sending_.block->data(), sending_.size}.subspan(sent_);
  }

  /// A send has ended; `bytes` of it are gone.
  void sent(BlockPool& blocks, std::size_t bytes) {
    under_way_ = false;
    sent_ += bytes;
    if (sent_ == sending_.size) clear(blocks);
  }

  /// Makes our close_notify (RFC 8446 section 6.1), the first time it is called; true then.
  bool say_goodbye() {
    if (!writable() || std::exchange(said_goodbye_, true)) return false;
    engine_->shut_down();
    return engine_->has_output();
  }

  /// Gives back the ciphertext that was to be sent. Requires: no send is under way.
  void clear(BlockPool& blocks) {
    blocks.give(sending_.block);
    sending_ = {};
    sent_ = 0;
  }

 private:
  const tls::Context& context_;
  std::optional<tls::Engine> engine_;
  tls::Engine::Output sending_{};
  std::size_t sent_ = 0;  // bytes of `sending_`
  bool under_way_ = false;
  bool said_goodbye_ = false;
};

}  // namespace peal::conn
