// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_backend.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace peal::sim {
namespace {

constexpr int kFirstFd = 1 << 20;  // above any real one, so that a mix-up is an EBADF
constexpr std::size_t kMaxPiecesPerTurn = 4;
constexpr std::byte kUnwritten{0xee};

std::string joined(std::span<const iovec> parts) {
  std::string bytes;
  for (const iovec& part : parts)
    bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
  return bytes;
}

}  // namespace

// ---- The test's end ----------------------------------------------------------------------------

void SimSocket::write(std::string_view bytes) {
  if (!closed_ && !client_ended_ && !client_reset_) to_server_ += bytes;
}

std::string SimSocket::read(std::size_t most) {
  std::string bytes = to_client_.substr(0, most);
  to_client_.erase(0, bytes.size());
  return bytes;
}

void SimSocket::reset() {
  client_ended_ = true;
  client_reset_ = true;
}

SimSocket& SimBackend::connect(std::uint32_t listener) {
  SimSocket& socket = *sockets_.emplace_back(std::make_unique<SimSocket>());
  socket.fd_ = kFirstFd + static_cast<int>(sockets_.size()) - 1;
  socket.listener_ = listener;
  listeners_[listener].waiting.push_back(&socket);
  return socket;
}

// ---- The contract ------------------------------------------------------------------------------

void SimBackend::complain(const SimSocket& socket, const char* what) {
  complaints_.push_back("socket " + std::to_string(socket.fd_ - kFirstFd) + ": " + what);
}

SimSocket* SimBackend::socket_of(int fd, SlotId id, const char* operation) {
  const auto number = static_cast<std::size_t>(fd - kFirstFd);
  if (fd < kFirstFd || number >= sockets_.size()) {
    complaints_.push_back(std::string(operation) + " on a descriptor of nobody");
    return nullptr;
  }
  SimSocket& socket = *sockets_[number];
  if (socket.closed_) {
    complain(socket, "used after close()");
    return nullptr;
  }
  if (socket.known_ && socket.id_ != id) complain(socket, "used with another id");
  socket.id_ = id;
  socket.known_ = true;
  return &socket;
}

bool SimBackend::chance(double how_often) {
  if (how_often <= 0) return false;
  return std::uniform_real_distribution<>(0, 1)(random_) < how_often;
}

// ---- Operations --------------------------------------------------------------------------------

void SimBackend::accept(std::uint32_t listener, int) {
  Listener& door = listeners_[listener];
  if (door.accepting) complaints_.push_back("accept() twice");
  door.accepting = true;
  door.one = false;
}

void SimBackend::accept_one(std::uint32_t listener, int listener_fd) {
  accept(listener, listener_fd);
  listeners_[listener].one = true;
}

void SimBackend::stop_accept(std::uint32_t listener, int) {
  Listener& door = listeners_[listener];
  if (!door.accepting) complaints_.push_back("stop_accept() without accept()");
  door.accepting = false;
}

void SimBackend::receive(int fd, SlotId id) {
  SimSocket* socket = socket_of(fd, id, "receive()");
  if (!socket) return;
  if (socket->receiving_) complain(*socket, "receive() twice");
  socket->receiving_ = true;
}

void SimBackend::receive_into(int fd, SlotId id, MutableBytes room) {
  receive(fd, id);
  SimSocket* socket = socket_of(fd, id, "receive_into()");
  if (!socket) return;
  if (room.empty()) complain(*socket, "receive_into() no room");
  std::ranges::fill(room, kUnwritten);
  socket->into_ = room;
}

bool SimBackend::stop_receive(int fd, SlotId id) {
  SimSocket* socket = socket_of(fd, id, "stop_receive()");
  if (!socket) return false;
  if (!socket->into_.empty()) complain(*socket, "stop_receive() of receive_into()");
  if (!socket->receiving_) complain(*socket, "stop_receive() without receive()");
  if (habits.sends_at_once) {
    socket->receiving_ = false;
    return false;
  }
  socket->stopping_ = true;
  return true;
}

std::optional<int> SimBackend::send(int fd, SlotId id, Bytes bytes) {
  const iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  return send(fd, id, std::span(&part, 1));
}

std::optional<int> SimBackend::send(int fd, SlotId id, std::span<const iovec> parts) {
  SimSocket* socket = socket_of(fd, id, "send()");
  if (!socket) return -EBADF;
  if (socket->send_.under_way) complain(*socket, "send() while one is under way");
  if (socket->server_ended_ && !socket->read_shut_) complain(*socket, "send() after SHUT_WR");
  socket->send_.parts.assign(parts.begin(), parts.end());
  socket->send_.before = joined(parts);
  if (socket->send_.before.empty()) complain(*socket, "send() of nothing");
  if (habits.sends_at_once && (socket->broken() || socket->room() > 0)) return take_bytes(*socket);
  socket->send_.under_way = true;
  return std::nullopt;
}

void SimBackend::shut_down(int fd, int how) {
  const auto number = static_cast<std::size_t>(fd - kFirstFd);
  SimSocket* socket = number < sockets_.size() ? sockets_[number].get() : nullptr;
  if (!socket || socket->closed_) {
    complaints_.push_back("shut_down() of a closed socket");
    return;
  }
  if (how == SHUT_WR && socket->send_.under_way)
    complain(*socket, "SHUT_WR while a send is under way");
  socket->server_ended_ = true;
  if (how == SHUT_RDWR) socket->read_shut_ = true;
}

void SimBackend::close(int fd, SlotId id, bool reset) {
  SimSocket* socket = socket_of(fd, id, "close()");
  if (!socket) return;
  if (socket->receiving_) complain(*socket, "close() while a receive is under way");
  if (socket->send_.under_way) complain(*socket, "close() while a send is under way");
  socket->closed_ = true;
  socket->server_ended_ = true;
  // As TCP does: whoever closes without having read all resets as well.
  socket->server_reset_ = reset || !socket->to_server_.empty();
}

// ---- Events ------------------------------------------------------------------------------------

Result<> SimBackend::wait(std::optional<Duration> timeout) {
  last_timeout_ = timeout;
  return {};
}

bool SimBackend::receive_due(const SimSocket& socket) const {
  if (socket.closed_ || !socket.receiving_) return false;
  return socket.stopping_ || !socket.to_server_.empty() || socket.client_ended_ ||
         socket.read_shut_;
}

bool SimBackend::send_due(const SimSocket& socket) const {
  if (socket.closed_ || !socket.send_.under_way) return false;
  return socket.broken() || socket.room() > 0;
}

bool SimBackend::busy() const {
  for (const auto& [number, listener] : listeners_)
    if (listener.accepting && !listener.waiting.empty()) return true;
  return woken_.load() || std::ranges::any_of(sockets_, [this](const auto& socket) {
           return receive_due(*socket) || send_due(*socket);
         });
}

std::size_t SimBackend::open_sockets() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      sockets_, [](const auto& socket) { return socket->known_ && !socket->closed_; }));
}

void SimBackend::deliver(io::EventSink& sink) {
  if (woken_.exchange(false)) sink.on_wake();
  for (auto& [number, listener] : listeners_) accept_some(number, listener, sink);
  std::vector<SimSocket*> order;
  for (const auto& socket : sockets_)
    if (receive_due(*socket) || send_due(*socket)) order.push_back(socket.get());
  std::ranges::shuffle(order, random_);
  for (SimSocket* socket : order)
    if (!chance(habits.late)) serve(*socket, sink);
}

void SimBackend::accept_some(std::uint32_t number, Listener& listener, io::EventSink& sink) {
  for (unsigned left = most_accepts_; left > 0; --left) {
    if (!listener.accepting || listener.waiting.empty()) return;
    if (chance(habits.accept_error)) {
      listener.accepting = false;
      constexpr int kErrors[] = {0, ECONNABORTED, EMFILE};
      sink.on_accept_end(number, kErrors[below(std::size(kErrors))]);
      return;
    }
    const SimSocket* next = listener.waiting.front();
    listener.waiting.erase(listener.waiting.begin());
    if (listener.one) listener.accepting = false;
    sink.on_accept(number, next->fd_);
    if (listener.one) sink.on_accept_end(number, 0);
  }
}

/// Sends and receives of one socket are ordered among themselves, not with each other.
void SimBackend::serve(SimSocket& socket, io::EventSink& sink) {
  const bool send_first = chance(0.5);
  if (send_first && send_due(socket)) complete_send(socket, sink);
  for (std::size_t piece = 1 + below(kMaxPiecesPerTurn); piece > 0; --piece)
    if (!receive_due(socket) || !receive_one(socket, sink)) break;
  if (!send_first && send_due(socket)) complete_send(socket, sink);
}

void SimBackend::end_receive(SimSocket& socket, io::EventSink& sink, int error) {
  socket.receiving_ = false;
  socket.stopping_ = false;
  io::Received received;
  received.error = error;
  sink.on_receive(socket.id_, std::move(received));
}

/// How many bytes a receive brings.
std::size_t SimBackend::piece_of(const SimSocket& socket, std::size_t most) {
  const std::size_t size = std::min(socket.to_server_.size(), most);
  if (!chance(habits.cut)) return size;
  return 1 + below(chance(0.5) ? std::min<std::size_t>(size, 16) : size);
}

void SimBackend::complete_receive_into(SimSocket& socket, io::EventSink& sink) {
  const MutableBytes room = std::exchange(socket.into_, {});
  socket.receiving_ = false;
  const auto changed = [](std::byte byte) { return byte != kUnwritten; };
  if (std::ranges::any_of(room, changed)) complain(socket, "room changed while it was received to");
  int result = socket.client_reset_ ? -ECONNRESET : 0;
  if (!socket.to_server_.empty()) {
    const std::size_t size = piece_of(socket, room.size());
    std::memcpy(room.data(), socket.to_server_.data(), size);
    socket.to_server_.erase(0, size);
    result = static_cast<int>(size);
  }
  sink.on_receive_into(socket.id_, result);
}

/// False when nothing more is to come in this turn.
bool SimBackend::receive_one(SimSocket& socket, io::EventSink& sink) {
  if (socket.client_reset_ && chance(0.5)) socket.to_server_.clear();
  if (!socket.into_.empty()) {
    complete_receive_into(socket, sink);
    return true;
  }
  if (socket.to_server_.empty() || (socket.stopping_ && chance(0.5))) {
    const bool at_end = socket.to_server_.empty() && (socket.client_ended_ || socket.read_shut_);
    const bool cancelled = socket.stopping_ && !(at_end && chance(0.5));
    end_receive(socket, sink, cancelled ? ECANCELED : socket.client_reset_ ? ECONNRESET : 0);
    return false;
  }
  std::uint16_t buffer;
  if (chance(habits.starve) || !buffers_.take(buffer)) {
    end_receive(socket, sink, ENOBUFS);
    return false;
  }
  const std::size_t size = piece_of(socket, io::BufferPool::kSize);
  io::Received received;
  received.lease = io::BufferLease(buffers_, buffer);
  received.bytes = {received.lease.data(), size};
  std::memcpy(received.bytes.data(), socket.to_server_.data(), size);
  socket.to_server_.erase(0, size);
  received.armed = !chance(habits.unarm);
  socket.receiving_ = received.armed;
  if (!received.armed) socket.stopping_ = false;
  sink.on_receive(socket.id_, std::move(received));
  return true;
}

/// The result of a send: what the client's window takes.
int SimBackend::take_bytes(SimSocket& socket) {
  const std::string bytes = joined(socket.send_.parts);
  if (bytes != socket.send_.before)
    complain(socket, "bytes changed while their send was under way");
  if (chance(habits.send_error)) socket.send_broken_ = true;
  if (socket.broken()) return chance(0.5) ? -EPIPE : -ECONNRESET;
  std::size_t size = std::min(bytes.size(), socket.room());
  if (chance(habits.short_send)) size = 1 + below(size);
  socket.to_client_.append(bytes, 0, size);
  return static_cast<int>(size);
}

void SimBackend::complete_send(SimSocket& socket, io::EventSink& sink) {
  socket.send_.under_way = false;
  sink.on_send(socket.id_, habits.sends_at_once ? 0 : take_bytes(socket));
}

}  // namespace peal::sim
