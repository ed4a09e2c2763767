// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/base/slab.h"
#include "core/base/time.h"
#include "core/io/buffer_pool.h"

namespace peal::io {

/// A connection's socket, as its back end knows it: a descriptor, or, when it lies aside, a name
/// that only Backend's functions take. See Backend::adopt().
using Handle = int;

inline constexpr Handle kAside = 1 << 30;  ///< added to the place of what lies aside

constexpr bool is_aside(Handle handle) {
  return handle >= kAside;
}

/// What a receive brought. No bytes and no error is the end of the stream.
struct Received {
  BufferLease lease;   ///< holds `bytes`; empty when there are none
  MutableBytes bytes;  ///< the receiver's to change, as long as the lease lives
  int error = 0;       ///< errno(3); ENOBUFS and ECANCELED end the receive, not the connection
  bool armed = false;  ///< whether more will come without another Backend::receive()
};

/// Takes what the kernel reports. Called only from within Backend::deliver(), on the reactor's
/// thread.
class EventSink {
 public:
  /// A connection was accepted; the sink owns `fd`, and gives it to Backend::adopt() or closes it.
  virtual void on_accept(std::uint32_t listener, int fd) = 0;
  /// Accepting ended, with an errno(3); Backend::accept() starts it again.
  virtual void on_accept_end(std::uint32_t listener, int error) = 0;
  /// A connect ended: 0, or an errno(3). Only who calls Backend::connect() hears of it.
  virtual void on_connect(SlotId /*id*/, int /*error*/) {}
  virtual void on_receive(SlotId id, Received received) = 0;
  /// A receive into the caller's own memory ended: bytes, 0 at the end of the stream, or a negated
  /// errno(3). Only who calls Backend::receive_into() hears of it.
  virtual void on_receive_into(SlotId /*id*/, int /*result*/) {}
  /// A send ended: bytes taken (possibly fewer than offered, even none), or a negated errno(3).
  virtual void on_send(SlotId id, int result) = 0;
  /// Backend::wake() was called.
  virtual void on_wake() = 0;

 protected:
  ~EventSink() = default;
};

/// The kernel, as one reactor sees it: operations go down here, events come up to the EventSink.
///
/// Every operation carries the SlotId of whom it belongs to. Per id there is at most one receive
/// and one send under way; the owner keeps both in mind and calls close() only when neither is.
/// To end them: shut_down(), then wait for their events.
///
/// Owner: a Reactor. Thread: the reactor's, but for wake(). Errors: see each call and event.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;

  /// Accepts on a listening socket until on_accept_end() or stop_accept().
  virtual void accept(std::uint32_t listener, int listener_fd) = 0;
  /// Accepts one connection: on_accept_end() without an error follows its on_accept().
  virtual void accept_one(std::uint32_t listener, int listener_fd) = 0;
  virtual void stop_accept(std::uint32_t listener, int listener_fd) = 0;
  /// From now on no more than `count` of each listening socket in a turn, so that a storm leaves
  /// room for the others. At least 1 and at most kMostAccepts, which it is at first.
  virtual void accept_at_most(unsigned count) = 0;
  static constexpr unsigned kMostAccepts = 4;
  /// A connection that waits in the queue of a listening socket, the caller's from then on; -1 when
  /// there is none, or no descriptor for it. Requires: stop_accept() went before. After it the
  /// socket is only to be closed, and by whoever shares it, too: it blocks nobody any more.
  virtual int accept_waiting(int listener_fd) = 0;

  /// Takes over a connection's socket: from now on, it is called by what this returns, here and in
  /// close(). That is `fd` itself unless open files get scarce; then a back end that has another
  /// place for sockets puts it aside there and closes `fd`.
  virtual Handle adopt(int fd) { return fd; }
  /// A descriptor, one more, of a socket that lies aside; none when there is none to be had.
  virtual Fd reopen(Handle /*aside*/) { return Fd(); }

  /// Connects a socket: on_connect() follows, and only then may it receive or send. shut_down()
  /// with SHUT_RDWR makes it end soon. `address` stays in place until the next wait() is over.
  virtual void connect(Handle fd, SlotId id, const sockaddr* address, socklen_t size) = 0;

  /// Arms receiving: on_receive() for each piece, until one says that it is no longer armed.
  virtual void receive(Handle fd, SlotId id) = 0;
  /// The same, but on_receive() may say after each piece that it is no longer armed.
  virtual void receive_once(Handle fd, SlotId id) { receive(fd, id); }
  /// Receives what there is, once something is, into `room`, which is the back end's until
  /// on_receive_into(). Requires: room for a byte. To end it, see shut_down().
  virtual void receive_into(Handle fd, SlotId id, MutableBytes room) = 0;
  /// Ends what receive() or receive_once() have armed. True when a last on_receive() with `armed`
  /// false is still to come; it, and any before it, may bring bytes.
  virtual bool stop_receive(Handle fd, SlotId id) = 0;

  /// Sends some of `bytes`, which stay in place until the result is known: returned at once, as
  /// on_send() would tell it, or nullopt when on_send() follows. A vector needs to live for the
  /// call only, the bytes it points at as above.
  virtual std::optional<int> send(Handle fd, SlotId id, Bytes bytes) = 0;
  virtual std::optional<int> send(Handle fd, SlotId id, std::span<const iovec> parts) = 0;

  /// shutdown(2), `how` as there. SHUT_WR: requires that no send is under way. SHUT_RDWR makes
  /// what is under way end soon.
  virtual void shut_down(Handle fd, int how) = 0;
  /// Requires: neither receive nor send is under way. With `reset`, unsent bytes are thrown away
  /// and the peer gets a RST.
  virtual void close(Handle fd, SlotId id, bool reset) = 0;

  /// Makes wait() return soon. From any thread.
  virtual void wake() = 0;

  /// Hands over what was asked for so far, before the rest of the turn is worked off.
  virtual void submit() {}
  /// Hands over what was asked for since then and waits for an event no longer than
  /// `timeout` (zero: not at all; nullopt: for as long as it takes).
  virtual Result<> wait(std::optional<Duration> timeout) = 0;
  /// Delivers what there is. Requires: wait() went before.
  virtual void deliver(EventSink& sink) = 0;

  virtual BufferPool& buffers() = 0;
};

/// What `ask(fd)` says of a socket, for calls that need a descriptor: -1 when there is none.
template <class Ask>
auto with_descriptor(Backend& backend, Handle handle, Ask&& ask) {
  if (!is_aside(handle)) return ask(handle);
  const Fd fd = backend.reopen(handle);
  return ask(fd.get());
}

}  // namespace peal::io
