// SPDX-License-Identifier: Apache-2.0
// TLS: between the socket and what connection_read.cc takes and connection_write.cc gives.
#include <algorithm>

#include "core/conn/connection_table.h"

namespace peal::conn {
namespace {

constexpr std::size_t kEncryptBytes = 64 << 10;  // of the outbox, for one send

/// Where decrypted bytes go: a receive buffer, so that they are as good as those that came in
/// plain, or a block while none is free.
class Plaintext {
 public:
  explicit Plaintext(hub::Memory& memory) : memory_(memory) {
    std::uint16_t id;
    if (memory.buffers.take(id))
      lease_ = io::BufferLease(memory.buffers, id);
    else
      block_ = memory.blocks.take(io::BufferPool::kSize);
  }
  Plaintext(const Plaintext&) = delete;
  Plaintext& operator=(const Plaintext&) = delete;
  ~Plaintext() { memory_.blocks.give(block_); }

  bool in_buffer() const { return static_cast<bool>(lease_); }
  std::uint16_t buffer() const { return lease_.id(); }
  MutableBytes room() const {
    return {block_ ? block_->data() : lease_.data(), io::BufferPool::kSize};
  }

 private:
  hub::Memory& memory_;
  io::BufferLease lease_;
  Block* block_ = nullptr;
};

}  // namespace

void ConnectionTable::take_ciphertext(Connection& connection, Bytes ciphertext) {
  while (connection.state.phase != Phase::closed && decrypt(connection, ciphertext)) {
  }
  if (connection.secure && connection.secure->has_output()) mark_due(connection);
}

/// Takes a buffer's worth; false when there is no more.
bool ConnectionTable::decrypt(Connection& connection, Bytes& ciphertext) {
  using State = tls::Engine::State;
  tls::Engine& engine = connection.secure->engine(memory_.blocks);
  const Plaintext plaintext(memory_);
  const MutableBytes room = plaintext.room();
  const std::size_t size = engine.read(ciphertext, room);
  const State state = engine.state();
  if (connection.state.phase == Phase::securing && state != State::handshake &&
      state != State::failed)
    enter(connection, Phase::head);
  if (size > 0) {
    const Source source = plaintext.in_buffer() ? Source{true, plaintext.buffer()} : Source{};
    take_input(connection, room.first(size), source);
  }
  if (state == State::failed) fail_secure(connection);
  if (state == State::ended) on_stream_end(connection);
  return size == room.size() && state == State::open;
}

/// Nothing can be encrypted any more; an alert that says why may be in the engine's output.
void ConnectionTable::fail_secure(Connection& connection) {
  if (connection.state.phase == Phase::closed) return;
  if (connection.secure->engine(memory_.blocks).is_plain_http()) {
    connection.secure.reset();
    enter(connection, Phase::head);
    refuse(connection, {.status = 400, .reason = "this port speaks TLS: use https or wss"},
           Ending::bad_request);
    return;
  }
  note_ending(connection, Ending::tls_error);
  if (connection.exchange) connection.exchange->file = {};
  connection.shut();
  connection.clear(memory_);
  if (connection.state.phase != Phase::lingering) linger(connection);
}

/// Moves what the outbox holds into the engine, as much as one send takes.
void ConnectionTable::encrypt(Connection& connection) {
  if (!connection.secure->writable()) return;
  tls::Engine& engine = connection.secure->engine(memory_.blocks);
  for (std::size_t bytes = 0; bytes < kEncryptBytes && !connection.empty();) {
    merge_small(connection);
    const hub::Segment& first = *connection.first();
    const std::size_t size = std::min<std::size_t>(first.size, kEncryptBytes - bytes);
    engine.write({first.data, size});
    connection.sent(memory_, size);
    bytes += size;
  }
}

std::optional<int> ConnectionTable::start_secure_send(Connection& connection) {
  if (!connection.secure->has_rest()) encrypt(connection);
  const Bytes ciphertext = connection.secure->begin_send();
  return reactor_.backend().send(connection.fd, connection.id(), ciphertext);
}

}  // namespace peal::conn
