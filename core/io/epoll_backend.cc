// SPDX-License-Identifier: Apache-2.0
#include "core/io/epoll_backend.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"

namespace peal::io {
namespace {

// A listening socket may be shared with other reactors: a connection wakes one of them.
constexpr std::uint32_t kListenerEvents = EPOLLIN | EPOLLEXCLUSIVE;
constexpr std::uint32_t kSocketEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

timespec to_timespec(Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  return {.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
}

}  // namespace

Result<std::unique_ptr<EpollBackend>> EpollBackend::create() {
  std::unique_ptr<EpollBackend> backend(new EpollBackend);
  if (!backend->buffers_.mapped()) return error("mmap", ENOMEM);
  backend->epoll_fd_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!backend->epoll_fd_) return last_error("epoll_create1");
  backend->wake_fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!backend->wake_fd_) return last_error("eventfd");
  if (int refused = backend->watch(backend->wake_fd_.get(), {}, Kind::wake, EPOLLIN).error)
    return error("epoll_ctl", refused);
  // Before Linux 5.11, and in some sandboxes, there is no epoll_pwait2(2): to be told at the start.
  if (auto waited = backend->wait(Duration::zero()); !waited)
    return std::unexpected(waited.error());
  return backend;
}

/// Registers a descriptor once for all events it will ever need: edges cost nothing when nobody
/// asks, and no epoll_ctl(2) is needed later. The kernel may refuse: fs.epoll.max_user_watches.
EpollBackend::Socket& EpollBackend::watch(int fd, SlotId id, Kind kind, std::uint32_t events) {
  const auto number = static_cast<std::size_t>(fd);
  if (number >= sockets_.size()) sockets_.resize(number + number / 8 + 64);
  Socket& socket = sockets_[number];
  if (socket.kind == Kind::none) {
    socket = Socket{.id = id, .kind = kind};
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
      socket.fail(errno);
      queue_ready(fd, socket);
    }
  }
  return socket;
}

void EpollBackend::accept(std::uint32_t listener, int listener_fd) {
  fcntl(listener_fd, F_SETFL, O_NONBLOCK);  // accept_some() ends when the queue is empty
  watch(listener_fd, {listener, 0}, Kind::listener, kListenerEvents);
}

void EpollBackend::accept_one(std::uint32_t listener, int listener_fd) {
  accept(listener, listener_fd);
  sockets_[static_cast<std::size_t>(listener_fd)].accept_one = true;
}

void EpollBackend::stop_accept(std::uint32_t, int listener_fd) {
  epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, listener_fd, nullptr);
  sockets_[static_cast<std::size_t>(listener_fd)] = {};
}

int EpollBackend::accept_waiting(int listener_fd) {
  fcntl(listener_fd, F_SETFL, O_NONBLOCK);
  return accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void EpollBackend::connect(int fd, SlotId id, const sockaddr* address, socklen_t size) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  const int refused = ::connect(fd, address, size) < 0 && errno != EINPROGRESS ? errno : 0;
  Socket& socket = watch(fd, id, Kind::connecting, kSocketEvents);
  if (refused == 0) return;
  socket.fail(refused);
  queue_ready(fd, socket);
}

void EpollBackend::receive(int fd, SlotId id) {
  Socket& socket = watch(fd, id, Kind::socket, kSocketEvents);
  socket.receiving = true;
  if (socket.readable) queue_ready(fd, socket);
}

void EpollBackend::receive_into(int fd, SlotId id, MutableBytes room) {
  receive(fd, id);
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  socket.room = room.data();
  // A receive may be short, so of a room that is larger the first part does.
  socket.room_size = static_cast<std::uint32_t>(std::min<std::size_t>(room.size(), INT32_MAX));
}

bool EpollBackend::stop_receive(int fd, SlotId) {
  sockets_[static_cast<std::size_t>(fd)].receiving = false;
  return false;
}

void EpollBackend::queue_ready(int fd, Socket& socket) {
  if (socket.queued) return;
  socket.queued = true;
  ready_.push_back(fd);
}

std::optional<int> EpollBackend::send(int fd, SlotId id, Bytes bytes) {
  return sent(fd, id, ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

std::optional<int> EpollBackend::send(int fd, SlotId id, std::span<const iovec> parts) {
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg(2) only reads it
  header.msg_iovlen = parts.size();
  return sent(fd, id, ::sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT));
}

std::optional<int> EpollBackend::sent(int fd, SlotId id, ssize_t result) {
  if (result >= 0) return static_cast<int>(result);
  if (errno != EAGAIN && errno != EINTR) return -errno;
  Socket& socket = watch(fd, id, Kind::socket, kSocketEvents);
  if (socket.error != 0) return -socket.error;
  socket.send_waiting = true;
  return std::nullopt;
}

void EpollBackend::shut_down(int fd, int how) {
  ::shutdown(fd, how);
}

void EpollBackend::close(int fd, SlotId, bool reset) {
  if (reset) {
    const linger none{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  const auto number = static_cast<std::size_t>(fd);
  if (number < sockets_.size()) sockets_[number] = {};
  ::close(fd);  // takes it out of the epoll set as well
}

void EpollBackend::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the wake is under way already.
  if (::write(wake_fd_.get(), &one, sizeof one) < 0) return;
}

Result<> EpollBackend::wait(std::optional<Duration> timeout) {
  if (!ready_.empty()) timeout = Duration::zero();
  timespec limit{};
  if (timeout) limit = to_timespec(*timeout);
  const int count = epoll_pwait2(epoll_fd_.get(), events_.data(), kEventsPerTurn,
                                 timeout ? &limit : nullptr, nullptr);
  if (count < 0 && errno != EINTR) return last_error("epoll_pwait2");
  event_count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  return {};
}

void EpollBackend::deliver(EventSink& sink) {
  serve_ready(sink);
  for (std::size_t i = 0; i < event_count_; ++i)
    serve_event(events_[i].data.fd, events_[i].events, sink);
}

void EpollBackend::serve_ready(EventSink& sink) {
  serving_.swap(ready_);
  for (int fd : serving_) {
    Socket& socket = sockets_[static_cast<std::size_t>(fd)];
    if (!socket.queued) continue;  // closed meanwhile
    socket.queued = false;
    if (socket.error != 0)
      report_unwatched(fd, sink);
    else
      receive_some(fd, sink);
  }
  serving_.clear();
}

/// Ends what was asked of a descriptor that the kernel does not watch; asked again, it tries again.
void EpollBackend::report_unwatched(int fd, EventSink& sink) {
  const Socket socket = std::exchange(sockets_[static_cast<std::size_t>(fd)], {});
  if (socket.kind == Kind::listener) {
    sink.on_accept_end(socket.id.index, socket.error);
  } else if (socket.kind == Kind::connecting) {
    sink.on_connect(socket.id, socket.error);
  } else if (socket.receiving && socket.room) {
    sink.on_receive_into(socket.id, -socket.error);
  } else if (socket.receiving) {
    Received received;
    received.error = socket.error;
    sink.on_receive(socket.id, std::move(received));
  }
}

/// A connect under way ends by the first event that lets the socket write, or never will.
void EpollBackend::report_connected(int fd, std::uint32_t events, EventSink& sink) {
  if (!(events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) return;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && (events & EPOLLHUP)) error = ECONNABORTED;  // shut down meanwhile
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  socket.kind = Kind::socket;
  socket.readable = events & (EPOLLIN | EPOLLRDHUP);
  socket.ended = events & EPOLLRDHUP;
  sink.on_connect(socket.id, error);
}

void EpollBackend::serve_event(int fd, std::uint32_t events, EventSink& sink) {
  // An event of a descriptor that was closed earlier in this turn finds Kind::none; one that was
  // closed and given out anew would find an honest EAGAIN.
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  switch (socket.kind) {
    case Kind::listener:
      accept_some(fd, sink);
      break;
    case Kind::connecting:
      if (socket.error == 0) report_connected(fd, events, sink);
      break;
    case Kind::wake: {
      std::uint64_t count;
      if (::read(fd, &count, sizeof count) > 0) sink.on_wake();
      break;
    }
    case Kind::socket:
      if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) socket.ended = true;
      if (socket.ended || (events & EPOLLIN)) socket.readable = true;
      if (socket.send_waiting && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
        socket.send_waiting = false;
        sink.on_send(socket.id, 0);
      }
      receive_some(fd, sink);
      break;
    case Kind::none:
      break;
  }
}

void EpollBackend::accept_some(int fd, EventSink& sink) {
  const std::uint32_t listener = sockets_[static_cast<std::size_t>(fd)].id.index;
  unsigned count = 0;
  for (; count < most_accepts_; ++count) {
    const int accepted = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) {
      const bool last = sockets_[static_cast<std::size_t>(fd)].accept_one;
      if (last) stop_accept(listener, fd);
      sink.on_accept(listener, accepted);
      if (last) sink.on_accept_end(listener, 0);
      if (sockets_[static_cast<std::size_t>(fd)].kind != Kind::listener) return;
    } else if (errno == EAGAIN) {
      break;
    } else {
      const int reason = errno;
      stop_accept(listener, fd);
      sink.on_accept_end(listener, reason);
      return;
    }
  }
  if (count > 0) queue_behind_others(fd);
}

/// Of the reactors that share a socket the kernel wakes the one that has watched it for longest: to
/// watch it anew leaves the next connection to another one.
void EpollBackend::queue_behind_others(int fd) {
  epoll_event event{.events = kListenerEvents, .data = {.fd = fd}};
  epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
  if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  socket.fail(errno);
  queue_ready(fd, socket);
}

/// One piece a turn, so that who sends much leaves room for the others.
void EpollBackend::receive_some(int fd, EventSink& sink) {
  if (!waits_to_be_read(fd)) return;
  if (!sockets_[static_cast<std::size_t>(fd)].room)
    receive_one(fd, sink);
  else
    receive_into_room(fd, sink);
  if (waits_to_be_read(fd)) queue_ready(fd, sockets_[static_cast<std::size_t>(fd)]);
}

/// Looked up each time: the sink may grow sockets_, or close this one.
bool EpollBackend::waits_to_be_read(int fd) const {
  const Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  return socket.kind == Kind::socket && socket.receiving && socket.readable;
}

void EpollBackend::receive_one(int fd, EventSink& sink) {
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  std::uint16_t buffer;
  if (!buffers_.take(buffer)) return;  // every one is held: try again in the next turn
  Received received;
  received.lease = BufferLease(buffers_, buffer);
  const ssize_t size = ::recv(fd, received.lease.data(), BufferPool::kSize, MSG_DONTWAIT);
  if (!note_received(socket, size, BufferPool::kSize)) return;
  if (size < 0) received.error = errno;
  if (size > 0) received.bytes = {received.lease.data(), static_cast<std::size_t>(size)};
  received.armed = size > 0;
  socket.receiving = received.armed;
  sink.on_receive(socket.id, std::move(received));
}

void EpollBackend::receive_into_room(int fd, EventSink& sink) {
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  const ssize_t size = ::recv(fd, socket.room, socket.room_size, MSG_DONTWAIT);
  if (!note_received(socket, size, socket.room_size)) return;
  socket.receiving = false;
  socket.room = nullptr;
  sink.on_receive_into(socket.id, size < 0 ? -errno : static_cast<int>(size));
}

/// What a recv(2) tells of the socket; false when it has brought nothing, and will be tried again.
bool EpollBackend::note_received(Socket& socket, ssize_t size, std::size_t room) {
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    socket.readable = errno == EINTR;
    return false;
  }
  // A short read has emptied the socket, and what comes later is a new edge; only an end of stream
  // that was reported together with the bytes is not reported again.
  if (static_cast<std::size_t>(size) < room) socket.readable = socket.ended;
  return true;
}

}  // namespace peal::io
