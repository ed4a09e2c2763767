// SPDX-License-Identifier: Apache-2.0
// TLS: between the socket and what connection_read.cc takes and connection_write.cc gives.
#include <algorithm>

#include "core/conn/connection_table.h"

namespace peal::conn {
namespace {

constexpr std::size_t kEncryptBytes = 64 << 10;  // of the outbox, for one send
constexpr std::size_t kFramesPerRecord = 4;      // that a record to decrypt counts for

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
  if (reading_ != connection.id()) begin_share(connection);
  SecureLink& link = *connection.secure;
  if (!link.holds_input() && connection.state.stall != Stall::turn)
    ciphertext = decrypt(connection, ciphertext);
  if (!connection.secure) return;
  if (!ciphertext.empty()) {
    link.hold(memory_.blocks, ciphertext);
    stop_receive(connection);
  }
  if (link.has_output()) mark_due(connection);
}

/// Goes on with what had to wait.
void ConnectionTable::decrypt_held(Connection& connection) {
  if (!connection.secure || connection.state.stall != Stall::none || holds_back(connection)) return;
  SecureLink& link = *connection.secure;
  Block* const block = link.begin_decrypting();
  if (!block) return;
  auto& [begin, end] = block->used;
  const Bytes rest = decrypt(connection, {block->data() + begin, std::size_t{end} - begin});
  begin = end - static_cast<std::uint32_t>(rest.size());
  link.end_decrypting(memory_.blocks, block);
  if (link.has_output()) mark_due(connection);
}

/// Returns what has to wait for the client's next share: each record is some work, however short.
Bytes ConnectionTable::decrypt(Connection& connection, Bytes ciphertext) {
  const auto listens = [&] {
    return connection.state.phase != Phase::closed && connection.secure &&
           !connection.secure->deaf();
  };
  while (listens() && decrypt_piece(connection, ciphertext)) {
  }
  if (ciphertext.empty() || !listens()) return {};
  if (connection.secure->engine(memory_.blocks).state() != tls::Engine::State::open) return {};
  if (connection.state.phase == Phase::lingering) {
    connection.secure->turn_deaf();
    return {};
  }
  wait_for_turn(connection);
  return ciphertext;
}

/// Takes a buffer's worth; false when there is no more, or it has to wait.
bool ConnectionTable::decrypt_piece(Connection& connection, Bytes& ciphertext) {
  using State = tls::Engine::State;
  tls::Engine& engine = connection.secure->engine(memory_.blocks);
  const Plaintext plaintext(memory_);
  const MutableBytes room = plaintext.room();
  const std::size_t allowed = std::max<std::size_t>(frames_left_ / kFramesPerRecord, 1);
  std::size_t records = allowed;
  const std::size_t size = engine.read(ciphertext, room, &records);
  count_frames((allowed - records) * kFramesPerRecord);
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
  note_ending(connection, Ending::tls_error, connection.secure->engine(memory_.blocks).failure());
  if (connection.exchange) connection.exchange->file = {};
  connection.shut();
  connection.clear(memory_);
  if (connection.state.phase != Phase::lingering) linger(connection);
}

/// Moves what the outbox holds into the engine, as much as one send takes.
void ConnectionTable::encrypt(Connection& connection) {
  if (!connection.secure->writable()) return;
  tls::Engine& engine = connection.secure->engine(memory_.blocks);
  for (std::size_t bytes = 0;
       bytes < kEncryptBytes && !connection.empty() && !connection.first()->encode;) {
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
