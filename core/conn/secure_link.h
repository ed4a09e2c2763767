// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"
#include "core/tls/engine.h"

namespace peal::conn {

/// TLS on one connection: the engine, the ciphertext that the kernel is reading, and what has come
/// of it and waits until the client gets its next share of a turn. What goes out is in one of three
/// places: unencrypted in the outbox, encrypted in the engine, here.
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

  /// Whether ciphertext waits to be decrypted, or is being.
  bool holds_input() const { return input_ || decrypting_; }
  /// Lets it wait behind what does already, unless it was given up.
  void hold(BlockPool& blocks, Bytes ciphertext) {
    if (!deaf_) blocks.append(input_, ciphertext);
  }
  /// What waits, in Block::used, to be handed back by end_decrypting(); null when there is none, or
  /// it is being decrypted already.
  Block* begin_decrypting() {
    if (decrypting_) return nullptr;
    decrypting_ = input_ != nullptr;
    return std::exchange(input_, nullptr);
  }
  /// `block`: with what of it has to wait once more, which may be nothing.
  void end_decrypting(BlockPool& blocks, Block* block) {
    decrypting_ = false;
    const bool over = deaf_ || block->used.begin == block->used.end;
    over ? blocks.give(block) : void(input_ = block);
  }
  /// Nothing that comes is of any use any more. Records follow each other, so with one that waits
  /// all later ones are lost.
  void forget_input(BlockPool& blocks) {
    deaf_ = deaf_ || input_;
    blocks.give(std::exchange(input_, nullptr));
  }
  /// Lost input: what comes is not even looked at.
  bool deaf() const { return deaf_; }
  void turn_deaf() { deaf_ = true; }

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
  Block* input_ = nullptr;
  bool under_way_ = false;
  bool decrypting_ = false;
  bool deaf_ = false;
  bool said_goodbye_ = false;
};

}  // namespace peal::conn
