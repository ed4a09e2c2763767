// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/io/backend.h"

namespace peal::sim {

class SimBackend;

/// How often, from 0 to 1, a SimBackend does what a kernel may do but rarely does. All zero: events
/// come in the next turn, whole.
struct Habits {
  bool sends_at_once = false;  ///< results come from send() itself, as with epoll
  double late = 0;             ///< an event waits for another turn
  double cut = 0;              ///< a receive brings fewer bytes than have arrived
  double unarm = 0;            ///< a receive ends with the bytes it brings
  double starve = 0;           ///< a receive ends by ENOBUFS
  double short_send = 0;       ///< a send takes fewer bytes than there is room for
  double send_error = 0;       ///< a send fails, and the connection with it
  double accept_error = 0;     ///< accepting ends
};

/// A connection between a test and a SimBackend. The public part is the test's end of it.
///
/// Owner: the SimBackend, until its own end.
class SimSocket {
 public:
  void write(std::string_view bytes);
  /// Takes what has arrived, `most` bytes of it.
  std::string read(std::size_t most = std::string::npos);
  std::size_t unread() const { return to_client_.size(); }
  void shut_down_write() { client_ended_ = true; }
  void reset();
  /// The server's sends fail from now on.
  void break_sends() { send_broken_ = true; }

  /// The server has shut its side down, and all that came before is read.
  bool ended() const { return server_ended_ && to_client_.empty(); }
  bool was_reset() const { return server_reset_; }
  bool closed() const { return closed_; }
  /// Bytes of ours that the server has not received.
  std::size_t unreceived() const { return to_server_.size(); }

  /// Bytes that may lie unread at our end before the server's sends block.
  std::size_t window = 64 << 10;

 private:
  friend class SimBackend;

  struct Send {
    bool under_way = false;
    std::vector<iovec> parts;
    std::string before;  // the bytes as they were when the send began
  };

  std::size_t room() const { return window > to_client_.size() ? window - to_client_.size() : 0; }
  bool broken() const { return client_reset_ || send_broken_ || read_shut_; }

  int fd_ = -1;
  std::uint32_t listener_ = 0;
  SlotId id_;
  bool known_ = false;  // id_ is set
  std::string to_server_;
  std::string to_client_;
  bool client_ended_ = false;
  bool client_reset_ = false;
  bool server_ended_ = false;
  bool server_reset_ = false;
  bool read_shut_ = false;    // by SHUT_RDWR
  bool send_broken_ = false;  // a send has failed
  bool closed_ = false;
  bool receiving_ = false;
  bool stopping_ = false;  // stop_receive() has promised a last event
  MutableBytes into_;      // of receive_into()
  Send send_;
};

/// A kernel in memory, for one reactor, that does by its habits and a seed what real ones do under
/// pressure. It watches that the reactor's side keeps the contract of io::Backend: complaints()
/// must be empty at the end of every test.
///
/// Owner: a Reactor. Thread: the test's, but for wake().
class SimBackend final : public io::Backend {
 public:
  SimBackend(std::uint64_t seed, const Habits& its_habits) : habits(its_habits), random_(seed) {}

  /// A new connection, to be accepted in a coming turn.
  SimSocket& connect(std::uint32_t listener = 0);

  const std::vector<std::string>& complaints() const { return complaints_; }
  /// An event is due: another turn would not come back empty-handed.
  bool busy() const;
  /// Sockets that were accepted and not closed.
  std::size_t open_sockets() const;
  /// What wait() was last asked for: zero when the reactor has work left.
  std::optional<Duration> last_timeout() const { return last_timeout_; }

  const char* name() const override { return "sim"; }
  void accept(std::uint32_t listener, int listener_fd) override;
  void accept_one(std::uint32_t listener, int listener_fd) override;
  void stop_accept(std::uint32_t listener, int listener_fd) override;
  void accept_at_most(unsigned count) override { most_accepts_ = count; }
  /// Nothing that is tested here closes a listening socket.
  int accept_waiting(int) override { PEAL_CHECK(false); }
  /// Nothing that is tested here connects.
  void connect(int, SlotId, const sockaddr*, socklen_t) override { PEAL_CHECK(false); }
  void receive(int fd, SlotId id) override;
  void receive_into(int fd, SlotId id, MutableBytes room) override;
  bool stop_receive(int fd, SlotId id) override;
  std::optional<int> send(int fd, SlotId id, Bytes bytes) override;
  std::optional<int> send(int fd, SlotId id, std::span<const iovec> parts) override;
  void shut_down(int fd, int how) override;
  void close(int fd, SlotId id, bool reset) override;
  void wake() override { woken_.store(true); }
  void submit() override {
    if (on_submit) on_submit();
  }
  Result<> wait(std::optional<Duration> timeout) override;
  void deliver(io::EventSink& sink) override;
  io::BufferPool& buffers() override { return buffers_; }

  Habits habits;
  std::function<void()> on_submit;  ///< called by submit()

 private:
  struct Listener {
    bool accepting = false;
    bool one = false;  // accept_one()
    std::vector<SimSocket*> waiting;
  };

  void complain(const SimSocket& socket, const char* what);
  SimSocket* socket_of(int fd, SlotId id, const char* operation);
  bool chance(double how_often);
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void accept_some(std::uint32_t number, Listener& listener, io::EventSink& sink);
  void serve(SimSocket& socket, io::EventSink& sink);
  bool receive_due(const SimSocket& socket) const;
  bool send_due(const SimSocket& socket) const;
  bool receive_one(SimSocket& socket, io::EventSink& sink);
  void complete_receive_into(SimSocket& socket, io::EventSink& sink);
  std::size_t piece_of(const SimSocket& socket, std::size_t most);
  void end_receive(SimSocket& socket, io::EventSink& sink, int error);
  void complete_send(SimSocket& socket, io::EventSink& sink);
  int take_bytes(SimSocket& socket);

  std::mt19937_64 random_;
  unsigned most_accepts_ = kMostAccepts;
  io::BufferPool buffers_;
  std::vector<std::unique_ptr<SimSocket>> sockets_;  // by number, never used twice
  std::map<std::uint32_t, Listener> listeners_;
  std::vector<std::string> complaints_;
  std::optional<Duration> last_timeout_;
  std::atomic<bool> woken_{false};
};

}  // namespace peal::sim
