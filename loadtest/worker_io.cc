// SPDX-License-Identifier: Apache-2.0
// A worker's connections while they are open: bytes in and out, and how they end.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/ws/frame_header.h"
#include "core/ws/mask.h"
#include "loadtest/machine_limits.h"
#include "loadtest/text.h"
#include "loadtest/worker.h"
#include "loadtest/worker_sink.h"

namespace peal::loadtest {
namespace {

constexpr std::size_t kPlainRoom = 64 << 10;  // bytes deciphered at once
constexpr std::size_t kSealed = 64 << 10;     // bytes put into TLS records before they are sent

std::string broken_text(const Client& client, int error) {
  const std::string hint = client.opening ? hint_for(error) : std::string();
  return std::string("the connection broke: ") + std::strerror(error) +
         (hint.empty() ? hint : " (" + hint + ')');
}

}  // namespace

// In.

void Worker::on_receive(SlotId id, io::Received received) {
  begin_turn();
  Client& client = clients_[id.index];
  client.receiving = received.armed;
  if (client.phase == Phase::closed) return finish(client);
  if (!received.bytes.empty()) {
    take(client, received.bytes);
  } else if (received.error == 0) {
    return ended(client);
  } else if (received.error != ENOBUFS && received.error != ECANCELED) {
    return lose(client, broken_text(client, received.error));
  }
  if (client.phase == Phase::closed) return finish(client);
  if (client.receiving || client.must_rearm) return;
  client.must_rearm = true;
  rearm_.push_back(&client);
}

void Worker::take(Client& client, MutableBytes bytes) {
  client.secure ? take_secure(client, bytes) : take_plain(client, bytes);
}

void Worker::take_secure(Client& client, Bytes bytes) {
  tls::Engine& engine = client.secure->engine;
  using State = tls::Engine::State;
  while (client.phase != Phase::closed) {
    const MutableBytes room(room_.get(), kPlainRoom);
    const std::size_t size = engine.read(bytes, room);
    if (client.phase == Phase::securing && engine.state() == State::open) ask(client);
    if (engine.has_output()) outbound_.mark(client);
    if (size > 0) take_plain(client, room.first(size));
    if (client.phase == Phase::closed) return;
    if (engine.state() == State::failed) {
      const std::string reason = std::string("TLS: ") + engine.failure();
      return client.opening ? fail_open(client, reason) : lose(client, reason);
    }
    if (engine.state() == State::ended) return ended(client);
    if (size < room.size()) return;
  }
}

void Worker::take_plain(Client& client, MutableBytes bytes) {
  if (client.phase == Phase::asking && !take_answer(client, bytes)) return;
  Sink sink(*this, client);
  if (client.http) return take_http(client, bytes, sink);
  if (bytes.empty()) return;
  if (const char* error = client.frames.read(bytes, frames_, sink))
    lose(client, std::string("the server broke the protocol: ") + error);
}

void Worker::take_http(Client& client, MutableBytes bytes, Sink& sink) {
  using Outcome = HttpReader::Outcome;
  while (client.phase != Phase::closed) {
    const auto [outcome, body] = client.http->answers.next(bytes);
    switch (outcome) {
      case Outcome::need_more:
        return;
      case Outcome::head:
        break;
      case Outcome::body:
        if (client.role != Role::publisher) client.http->events.read(body, sink);
        break;
      case Outcome::done:
        if (client.role != Role::publisher) return ended(client);
        if (client.http->answers.status() / 100 > 1)  // 100 (Continue) is not the answer
          traffic_->on_answer(client, client.http->answers.status());
        break;
      case Outcome::failed:
        return lose(client, "the server broke the protocol: no HTTP answer");
    }
  }
}

// Out.

void Worker::send(Client& client) {
  if (client.phase == Phase::closed) return finish(client);
  while (!client.send_under_way && client.fd >= 0 && client.phase != Phase::closed) {
    const std::optional<int> result = offer(client);
    if (!result) return;
    if (!account(client, *result)) return;
  }
}

/// Hands what there is to the back end. 0 when there is nothing, or a result at once.
std::optional<int> Worker::offer(Client& client) {
  io::Backend& backend = reactor_->backend();
  std::optional<int> result;
  if (client.secure) {
    if (!send_secure(client)) return 0;
    const auto& [block, size] = client.secure->out;
    result = backend.send(client.fd, client.id(),
                          Bytes(block->data(), size).subspan(client.secure->sent));
  } else {
    if (!client.sending) client.sending = std::exchange(client.filling, nullptr);
    if (!client.sending) return 0;
    SendBatch::Pieces room;
    const std::span<iovec> pieces = client.sending->pieces(room);
    if (pieces.size() == 1)
      result = backend.send(client.fd, client.id(),
                            Bytes(static_cast<std::byte*>(pieces[0].iov_base), pieces[0].iov_len));
    else
      result = backend.send(client.fd, client.id(), pieces);
  }
  client.send_under_way = !result;
  return result;
}

/// The front of a batch in one piece, so that it becomes as few records as can be. Valid until
/// something is deciphered.
Bytes Worker::gather(const SendBatch& batch) {
  SendBatch::Pieces room;
  const std::span<iovec> pieces = batch.pieces(room);
  const auto bytes_of = [](const iovec& piece) {
    return Bytes(static_cast<std::byte*>(piece.iov_base), piece.iov_len);
  };
  if (pieces.size() == 1) return bytes_of(pieces[0]).first(std::min(pieces[0].iov_len, kSealed));
  std::size_t size = 0;
  for (const iovec& piece : pieces) {
    const std::size_t taken = std::min(piece.iov_len, kSealed - size);
    if (taken == 0) break;
    std::memcpy(room_.get() + size, piece.iov_base, taken);
    size += taken;
  }
  return {room_.get(), size};
}

/// Makes ciphertext that waits to be sent; false when there is none.
bool Worker::send_secure(Client& client) {
  Client::Secure& secure = *client.secure;
  if (secure.out.block) return true;
  using State = tls::Engine::State;
  const bool writable = client.phase != Phase::securing && secure.engine.state() == State::open;
  if (!client.sending && writable) client.sending = std::exchange(client.filling, nullptr);
  if (client.sending && writable) {
    const Bytes plain = gather(*client.sending);
    secure.engine.write(plain);
    client.sending->sent(plain.size());
    if (client.sending->size() == 0) outbound_.give_back(client.sending);
  }
  if (!secure.engine.has_output()) return false;
  secure.out = secure.engine.take_output();
  secure.sent = 0;
  return true;
}

/// Notes the result of a send. False when there is nothing more to send, or nobody to send to.
bool Worker::account(Client& client, int result) {
  if (result < 0) {
    // What the server said before it went tells more than our send's failure, and still comes.
    if (result != -EPIPE && result != -ECONNRESET) lose(client, broken_text(client, -result));
    return false;
  }
  if (client.secure) {
    Client::Secure& secure = *client.secure;
    if (!secure.out.block) return false;
    secure.sent += static_cast<std::size_t>(result);
    if (secure.sent == secure.out.size) blocks_.give(std::exchange(secure.out, {}).block);
    return true;
  }
  if (!client.sending) return false;
  client.sending->sent(static_cast<std::size_t>(result));
  if (client.sending->size() == 0) outbound_.give_back(client.sending);
  return client.sending || client.filling;
}

void Worker::on_send(SlotId id, int result) {
  Client& client = clients_[id.index];
  client.send_under_way = false;
  if (client.phase == Phase::closed) return finish(client);
  if (account(client, result)) outbound_.mark(client);
}

void Worker::write_frame(Client& client, ws::Opcode opcode, Bytes payload) {
  const auto key = static_cast<std::uint32_t>(random_());
  std::byte* const frame =
      outbound_.to(client).add(ws::client_header_size(payload.size()) + payload.size());
  std::byte* const to = ws::write_client_header(frame, opcode, true, payload.size(), key);
  if (!payload.empty()) ws::unmask_copy(to, payload, key);
}

// The end.

void Worker::peer_closed(Client& client, ws::CloseCode code, std::string_view reason) {
  if (client.phase == Phase::closing) {  // the answer to ours
    client.phase = Phase::closed;
    outbound_.mark(client);
    return;
  }
  std::string text = "the server closed with " + std::to_string(static_cast<std::uint16_t>(code));
  if (!reason.empty()) text.append(" (").append(printable(reason)).append(")");
  lose(client, text);
}

void Worker::ended(Client& client) {
  if (client.opening) return fail_open(client, "the server ended the connection unanswered");
  if (client.phase != Phase::closing) return lose(client, "the server ended the connection");
  client.phase = Phase::closed;
  outbound_.mark(client);
}

void Worker::lose(Client& client, const std::string& reason) {
  if (client.phase == Phase::closed) return;
  if (client.opening) return fail_open(client, reason);
  const bool was_open = client.phase == Phase::open;
  if (client.phase != Phase::closing) tally_.fail(reason);
  if (was_open) tally_.live.lost.fetch_add(1, std::memory_order_relaxed);
  client.phase = Phase::closed;
  client.broken = true;
  if (was_open && traffic_) traffic_->on_lost(client);
  if (client.fd < 0)
    --left_;
  else
    outbound_.mark(client);  // whoever calls may still be reading what came
}

/// Closes the socket as soon as nothing is under way. Requires: Phase::closed.
void Worker::finish(Client& client) {
  if (client.fd < 0) return;
  if (client.receiving || client.send_under_way || client.connect_under_way) {
    if (!std::exchange(client.shut, true)) reactor_->backend().shut_down(client.fd, SHUT_RDWR);
    return;
  }
  outbound_.give_back(client.filling);
  outbound_.give_back(client.sending);
  if (client.secure && client.secure->out.block)
    blocks_.give(std::exchange(client.secure->out, {}).block);
  client.frames.end(frames_);
  client.secure.reset();
  reactor_->backend().close(std::exchange(client.fd, -1), client.id(), client.broken);
  --left_;
}

}  // namespace peal::loadtest
