// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <array>
#include <memory>
#include <vector>

#include "core/base/fd.h"
#include "core/io/backend.h"

namespace peal::io {

/// epoll(7), edge-triggered: readiness turned into the same events that io_uring gives. Sends are
/// tried at once.
///
/// Owner: a Reactor.
class EpollBackend final : public Backend {
 public:
  static Result<std::unique_ptr<EpollBackend>> create();

  const char* name() const override { return "epoll"; }
  void accept(std::uint32_t listener, int listener_fd) override;
  void accept_one(std::uint32_t listener, int listener_fd) override;
  void stop_accept(std::uint32_t listener, int listener_fd) override;
  void accept_at_most(unsigned count) override { most_accepts_ = count; }
  int accept_waiting(int listener_fd) override;
  void connect(int fd, SlotId id, const sockaddr* address, socklen_t size) override;
  void receive(int fd, SlotId id) override;
  void receive_into(int fd, SlotId id, MutableBytes room) override;
  bool stop_receive(int fd, SlotId id) override;
  std::optional<int> send(int fd, SlotId id, Bytes bytes) override;
  std::optional<int> send(int fd, SlotId id, std::span<const iovec> parts) override;
  void shut_down(int fd, int how) override;
  void close(int fd, SlotId id, bool reset) override;
  void wake() override;
  Result<> wait(std::optional<Duration> timeout) override;
  void deliver(EventSink& sink) override;
  BufferPool& buffers() override { return buffers_; }

 private:
  enum class Kind : std::uint8_t { none, listener, connecting, socket, wake };

  /// What is known of one descriptor; sockets_ is indexed by its number.
  struct Socket {
    SlotId id;  // index alone for a listener
    Kind kind = Kind::none;
    bool receiving : 1 = false;     // receive() was asked for
    bool readable : 1 = false;      // since the last edge, recv(2) has not said EAGAIN
    bool ended : 1 = false;         // the peer has shut its side down, or the socket is broken
    bool queued : 1 = false;        // stands in ready_
    bool send_waiting : 1 = false;  // on_send(id, 0) is owed when the socket is writable
    bool accept_one : 1 = false;
    std::uint16_t error = 0;  // the kernel does not watch it; its owner is told in the next turn
    std::uint32_t room_size = 0;  // bytes at `room`
    std::byte* room = nullptr;    // of receive_into(); null when it was receive()

    /// errno, which is below 4096.
    void fail(int code) { error = static_cast<std::uint16_t>(code); }
  };
  static_assert(sizeof(Socket) == 24);

  EpollBackend() = default;
  Socket& watch(int fd, SlotId id, Kind kind, std::uint32_t events);
  void queue_ready(int fd, Socket& socket);
  std::optional<int> sent(int fd, SlotId id, ssize_t result);
  void report_unwatched(int fd, EventSink& sink);
  void report_connected(int fd, std::uint32_t events, EventSink& sink);
  void accept_some(int fd, EventSink& sink);
  void queue_behind_others(int fd);
  void receive_some(int fd, EventSink& sink);
  bool waits_to_be_read(int fd) const;
  void receive_one(int fd, EventSink& sink);
  void receive_into_room(int fd, EventSink& sink);
  static bool note_received(Socket& socket, ssize_t size, std::size_t room);
  void serve_ready(EventSink& sink);
  void serve_event(int fd, std::uint32_t events, EventSink& sink);

  static constexpr std::size_t kEventsPerTurn = 64;

  Fd epoll_fd_;
  Fd wake_fd_;
  std::array<epoll_event, kEventsPerTurn> events_;
  std::size_t event_count_ = 0;
  BufferPool buffers_;
  std::vector<Socket> sockets_;
  std::vector<int> ready_;    // readable sockets whose next recv(2) need not wait for an event
  std::vector<int> serving_;  // ready_ of the turn before, while it is worked off
  unsigned most_accepts_ = kMostAccepts;
};

}  // namespace peal::io
