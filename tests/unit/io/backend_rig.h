// SPDX-License-Identifier: Apache-2.0
// A back end with real sockets, and what it has told.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/backend.h"
#include "core/io/listener.h"
#include "tests/support/backends.h"

namespace peal::io::backend_rig {

using namespace std::chrono_literals;

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Notes all events; may be told to keep buffers or to stop receives.
class Recorder final : public EventSink {
 public:
  struct Seen {
    std::string bytes;
    std::vector<int> sends;
    std::vector<int> ends;  // errno of each event that brought no bytes; 0 for the end of stream
    bool armed = false;
    int events = 0;
  };

  void on_accept(std::uint32_t, int fd) override { accepted.emplace_back(fd); }
  void on_accept_end(std::uint32_t, int error) override { accept_ends.push_back(error); }
  void on_connect(SlotId id, int error) override { connects[id.index].push_back(error); }
  void on_receive(SlotId id, Received received) override {
    Seen& seen = by_id[id.index];
    ++seen.events;
    seen.bytes += as_text(received.bytes);
    seen.armed = received.armed;
    if (received.bytes.empty()) seen.ends.push_back(received.error);
    if (received.bytes.empty()) CHECK_FALSE(received.armed);
    if (keeps && received.lease) kept.push_back(std::move(received.lease));
  }
  void on_receive_into(SlotId id, int result) override { into[id.index].push_back(result); }
  void on_send(SlotId id, int result) override { by_id[id.index].sends.push_back(result); }
  void on_wake() override { ++wakes; }

  std::map<std::uint32_t, Seen> by_id;
  std::vector<Fd> accepted;
  std::vector<int> accept_ends;
  std::map<std::uint32_t, std::vector<int>> connects;
  std::map<std::uint32_t, std::vector<int>> into;  // results of receive_into()
  std::vector<BufferLease> kept;
  bool keeps = false;
  int wakes = 0;
};

class Rig {
 public:
  explicit Rig(std::unique_ptr<Backend> made) : backend(std::move(made)) {}

  /// Turns until `done`, 5 s at most.
  template <class Done>
  void until(Done&& done) {
    const Instant limit = Clock::now() + 5s;
    while (!done()) {
      REQUIRE(Clock::now() < limit);
      turn(10ms);
    }
  }
  void turn(Duration limit) {
    REQUIRE(backend->wait(limit));
    backend->deliver(sink);
  }
  /// Some turns in which nothing should happen.
  void idle() {
    for (int i = 0; i < 5; ++i) turn(2ms);
  }

  /// Ends what is under way for a socket and closes it, as the contract asks.
  void end(Handle fd, std::uint32_t index, bool receiving) {
    if (receiving) {
      const auto ends = seen(index).ends.size();
      backend->shut_down(fd, SHUT_RDWR);
      until([&] { return seen(index).ends.size() > ends; });
    }
    backend->close(fd, {index, 0}, false);
    turn(0ms);
  }

  Recorder::Seen& seen(std::uint32_t index) { return sink.by_id[index]; }

  Recorder sink;  // after the backend's end nothing may be left in it
  std::unique_ptr<Backend> backend;
};

inline Fd connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// A TCP connection of two sockets; the near end is the back end's, as it calls it.
struct Pair {
  explicit Pair(const Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    far = connect_to(group->port);
    const int fd = ::accept4(group->sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(fd >= 0);
    near = rig.backend->adopt(fd);
  }

  void write(std::string_view text) const {
    REQUIRE(::send(far.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  /// What there is, without waiting.
  std::string read(std::size_t most = 1 << 20) const {
    std::string text(most, '\0');
    const ssize_t size = ::recv(far.get(), text.data(), most, MSG_DONTWAIT);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

  Handle near = -1;
  Fd far;
};

template <class Test>
void on_each(Test&& test) {
  for (const auto& make : test::real_backends()) {
    Rig rig(make());
    CAPTURE(std::string(rig.backend->name()));
    test(rig);
    rig.sink.kept.clear();
    CHECK(rig.backend->buffers().held_count() == 0);
  }
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 131 / 7);
  return text;
}

}  // namespace peal::io::backend_rig
