// SPDX-License-Identifier: Apache-2.0
// What every back end must do, over real sockets.
#include "core/io/backend.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <string>
#include <thread>

#include "core/io/listener.h"
#include "core/io/peer.h"
#include "tests/support/backends.h"
#include "tests/support/rounds.h"

namespace peal::io {
namespace {

using namespace std::chrono_literals;

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
  void on_send(SlotId id, int result) override { by_id[id.index].sends.push_back(result); }
  void on_wake() override { ++wakes; }

  std::map<std::uint32_t, Seen> by_id;
  std::vector<Fd> accepted;
  std::vector<int> accept_ends;
  std::map<std::uint32_t, std::vector<int>> connects;
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

Fd connect_to(std::uint16_t port) {
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

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 131 / 7);
  return text;
}

TEST_CASE("Backend: receives what was sent before and after, and stays armed") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    pair.write("before ");
    rig.backend->receive(pair.near, {0, 0});
    rig.until([&] { return rig.seen(0).bytes == "before "; });
    CHECK(rig.seen(0).armed);
    pair.write("after");
    rig.until([&] { return rig.seen(0).bytes == "before after"; });
    CHECK(rig.seen(0).armed);
    rig.end(pair.near, 0, true);
  });
}

TEST_CASE("Backend: more than a buffer at once arrives whole and in order") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    const std::string sent = pattern(3'000'000);
    std::thread writer([&] { pair.write(sent); });
    rig.backend->receive(pair.near, {0, 0});
    rig.until([&] {
      if (!rig.seen(0).armed && rig.seen(0).events > 0) rig.backend->receive(pair.near, {0, 0});
      return rig.seen(0).bytes.size() == sent.size();
    });
    writer.join();
    CHECK(rig.seen(0).bytes == sent);
    rig.end(pair.near, 0, true);
  });
}

TEST_CASE("Backend: the end of the stream comes once, after the last bytes") {
  on_each([](Rig& rig) {
    for (std::uint32_t i = 0; i < 50; ++i) {  // bytes and end may be reported together or not
      const Pair pair(rig);
      if (i % 2) rig.backend->receive(pair.near, {i, 0});
      if (i % 4 < 2) rig.turn(0ms);
      pair.write("last words");
      ::shutdown(pair.far.get(), SHUT_WR);
      if (i % 2 == 0) rig.backend->receive(pair.near, {i, 0});
      rig.until([&] { return !rig.seen(i).ends.empty(); });
      CHECK(rig.seen(i).bytes == "last words");
      CHECK(rig.seen(i).ends == std::vector<int>{0});
      rig.end(pair.near, i, false);
    }
  });
}

TEST_CASE("Backend: an end that came with exactly a buffer of bytes is not missed") {
  on_each([](Rig& rig) {
    std::uint32_t index = 0;
    for (const std::size_t size :
         {std::size_t{BufferPool::kSize} - 1, std::size_t{BufferPool::kSize},
          std::size_t{BufferPool::kSize} * 2}) {
      const Pair pair(rig);
      pair.write(pattern(size));
      ::shutdown(pair.far.get(), SHUT_WR);
      rig.backend->receive(pair.near, {index, 0});
      rig.until([&] { return !rig.seen(index).ends.empty(); });
      CHECK(rig.seen(index).bytes == pattern(size));
      rig.end(pair.near, index, false);
      ++index;
    }
  });
}

TEST_CASE("Backend: a stopped receive brings no more; armed again, it loses nothing") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    rig.backend->receive(pair.near, {0, 0});
    pair.write("one ");
    rig.until([&] { return rig.seen(0).bytes == "one "; });
    if (rig.backend->stop_receive(pair.near, {0, 0})) {
      rig.until([&] { return !rig.seen(0).armed; });
      CHECK(rig.seen(0).ends == std::vector<int>{ECANCELED});
    }
    pair.write("two ");
    rig.idle();
    CHECK(rig.seen(0).bytes == "one ");
    rig.backend->receive(pair.near, {0, 0});
    rig.until([&] { return rig.seen(0).bytes == "one two "; });
    rig.end(pair.near, 0, true);
  });
}

TEST_CASE("Backend: bytes that cross with stop_receive() arrive before its end or stay") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    std::string sent;
    rig.backend->receive(pair.near, {0, 0});
    for (int i = 0; i < 200; ++i) {
      sent += std::to_string(i) + " ";
      pair.write(std::to_string(i) + " ");
      if (rig.backend->stop_receive(pair.near, {0, 0})) {
        rig.seen(0).armed = true;
        rig.until([&] { return !rig.seen(0).armed; });
      }
      rig.backend->receive(pair.near, {0, 0});
    }
    rig.until([&] { return rig.seen(0).bytes == sent; });
    rig.end(pair.near, 0, true);
  });
}

/// Sends all of `text` by parts, as a connection would; `offer` makes one send.
template <class Offer>
void send_all(Rig& rig, const Pair& pair, const std::string& text, Offer&& offer) {
  std::string got;
  std::size_t sent = 0;
  std::size_t answers = 0;
  bool under_way = false;
  const Instant limit = Clock::now() + 10s;
  while (got.size() < text.size()) {
    REQUIRE(Clock::now() < limit);
    if (!under_way && sent < text.size()) {
      const std::optional<int> result = offer(sent);
      under_way = !result;
      if (result) REQUIRE(*result >= 0);
      if (result) sent += static_cast<std::size_t>(*result);
    }
    rig.turn(0ms);
    if (under_way && rig.seen(0).sends.size() > answers) {
      REQUIRE(rig.seen(0).sends.size() == ++answers);
      REQUIRE(rig.seen(0).sends.back() >= 0);
      sent += static_cast<std::size_t>(rig.seen(0).sends.back());
      under_way = false;
    }
    got += pair.read(40'000);  // a reader slower than the sender
  }
  rig.until([&] { return !under_way || rig.seen(0).sends.size() > answers; });
  CHECK(got == text);
}

TEST_CASE("Backend: a large send to a slow reader") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    const std::string text = pattern(8'000'000);
    send_all(rig, pair, text, [&](std::size_t from) {
      return rig.backend->send(pair.near, {0, 0}, as_bytes(std::string_view(text).substr(from)));
    });
    rig.end(pair.near, 0, false);
  });
}

TEST_CASE("Backend: large vector sends to a slow reader, the vector gone after the call") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    std::string text = pattern(4'000'000);
    send_all(rig, pair, text, [&](std::size_t from) {
      std::vector<iovec> parts;
      for (std::size_t size = 1; from < text.size() && parts.size() < 64; size += 997) {
        size = std::min(size, text.size() - from);
        parts.push_back({.iov_base = text.data() + from, .iov_len = size});
        from += size;
      }
      const auto result = rig.backend->send(pair.near, {0, 0}, parts);
      std::ranges::fill(parts, iovec{});
      return result;
    });
    rig.end(pair.near, 0, false);
  });
}

TEST_CASE("Backend: very many vector sends in one turn") {
  on_each([](Rig& rig) {
    constexpr std::uint32_t kPairs = 300;
    std::deque<Pair> pairs;
    for (std::uint32_t i = 0; i < kPairs; ++i) pairs.emplace_back(rig);
    std::string text = pattern(64);
    for (int round = 0; round < (test::kSanitized ? 2 : 4); ++round) {
      std::size_t waiting = 0;
      for (std::uint32_t i = 0; i < kPairs; ++i) {
        std::vector<iovec> parts;
        for (char& octet : text) parts.push_back({.iov_base = &octet, .iov_len = 1});
        rig.seen(i).sends.clear();
        if (!rig.backend->send(pairs[i].near, {i, 0}, parts)) ++waiting;
      }
      rig.until([&] {
        std::size_t answered = 0;
        for (auto& [index, seen] : rig.sink.by_id) answered += seen.sends.size();
        return answered >= waiting;
      });
      for (const Pair& pair : pairs) CHECK(pair.read() == text);
    }
    for (std::uint32_t i = 0; i < kPairs; ++i) rig.backend->close(pairs[i].near, {i, 0}, false);
    rig.turn(0ms);
  });
}

TEST_CASE("Backend: shut_down() ends a receive and a send that are under way") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    rig.backend->receive(pair.near, {0, 0});
    const std::string text(32 << 20, 'x');  // more than any socket takes
    while (rig.backend->send(pair.near, {0, 0}, as_bytes(text))) {
    }
    rig.idle();
    CHECK(rig.seen(0).sends.empty());
    rig.backend->shut_down(pair.near, SHUT_RDWR);
    rig.until([&] { return !rig.seen(0).ends.empty() && !rig.seen(0).sends.empty(); });
    rig.backend->close(pair.near, {0, 0}, true);
    rig.turn(0ms);
  });
}

TEST_CASE("Backend: the same when the peer has ended its side before") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    ::shutdown(pair.far.get(), SHUT_WR);
    rig.backend->receive(pair.near, {0, 0});
    rig.until([&] { return !rig.seen(0).ends.empty(); });
    const std::string text(32 << 20, 'x');  // more than any socket takes
    while (rig.backend->send(pair.near, {0, 0}, as_bytes(text))) {
    }
    rig.idle();
    CHECK(rig.seen(0).sends.empty());
    rig.backend->shut_down(pair.near, SHUT_RDWR);
    rig.until([&] { return !rig.seen(0).sends.empty(); });
    rig.backend->close(pair.near, {0, 0}, false);
    rig.turn(0ms);
  });
}

TEST_CASE("Backend: a peer's reset ends the receive and fails a send, without a signal") {
  on_each([](Rig& rig) {
    Pair pair(rig);
    rig.backend->receive(pair.near, {0, 0});
    rig.turn(0ms);
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(pair.far.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    pair.far.reset();
    rig.until([&] { return !rig.seen(0).ends.empty(); });
    CHECK(rig.seen(0).ends == std::vector<int>{ECONNRESET});
    std::optional<int> result = rig.backend->send(pair.near, {0, 0}, as_bytes("x"));
    rig.until([&] { return result || !rig.seen(0).sends.empty(); });
    CHECK(result.value_or(rig.seen(0).sends.empty() ? 0 : rig.seen(0).sends[0]) < 0);
    rig.end(pair.near, 0, false);
  });
}

TEST_CASE("Backend: close() lets the peer read all that was sent, with `reset` it gets a RST") {
  on_each([](Rig& rig) {
    for (const bool reset : {false, true}) {
      const Pair pair(rig);
      const auto result = rig.backend->send(pair.near, {0, 0}, as_bytes("bye"));
      if (!result) rig.until([&] { return !rig.seen(0).sends.empty(); });
      if (!reset) CHECK(pair.read() == "bye");
      rig.backend->close(pair.near, {0, 0}, reset);
      rig.idle();
      char octet;
      errno = 0;
      const ssize_t size = ::recv(pair.far.get(), &octet, 1, 0);
      CHECK((reset ? size != 0 : size == 0));
      rig.sink.by_id.clear();
    }
  });
}

TEST_CASE("Backend: buffers run out, and nothing is lost") {
  on_each([](Rig& rig) {
    constexpr std::uint32_t kPairs = 1100;  // more than there are buffers
    std::deque<Pair> pairs;
    for (std::uint32_t i = 0; i < kPairs; ++i) {
      pairs.emplace_back(rig);
      pairs.back().write("message " + std::to_string(i));
    }
    rig.sink.keeps = true;
    for (std::uint32_t i = 0; i < kPairs; ++i) rig.backend->receive(pairs[i].near, {i, 0});
    const auto arrived = [&] {
      std::size_t count = 0;
      for (std::uint32_t i = 0; i < kPairs; ++i) {
        Recorder::Seen& seen = rig.seen(i);
        if (!seen.ends.empty()) {
          CHECK(seen.ends == std::vector<int>{ENOBUFS});
          seen.ends.clear();
          rig.backend->receive(pairs[i].near, {i, 0});
        }
        count += seen.bytes == "message " + std::to_string(i);
      }
      return count;
    };
    rig.until([&] { return arrived() == BufferPool::kCount; });
    for (int i = 0; i < 5; ++i) {
      rig.turn(2ms);
      CHECK(arrived() == BufferPool::kCount);
    }
    rig.sink.keeps = false;
    rig.sink.kept.clear();
    rig.until([&] { return arrived() == kPairs; });
    for (std::uint32_t i = 0; i < kPairs; ++i) {
      rig.backend->shut_down(pairs[i].near, SHUT_RDWR);
      rig.seen(i).ends.clear();
    }
    rig.until([&] {
      return std::ranges::all_of(rig.sink.by_id,
                                 [](auto& each) { return !each.second.ends.empty(); });
    });
    for (std::uint32_t i = 0; i < kPairs; ++i) rig.backend->close(pairs[i].near, {i, 0}, false);
    rig.turn(0ms);
  });
}

TEST_CASE("Backend: an accept storm, and accepting stops when told") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const auto connect = [&] { return connect_to(group->port); };
    constexpr std::size_t kClients = 500;
    std::vector<Fd> clients;
    for (std::size_t i = 0; i < kClients / 2; ++i) clients.push_back(connect());
    rig.backend->accept(3, group->sockets[0].get());
    for (std::size_t i = 0; i < kClients / 2; ++i) clients.push_back(connect());
    std::size_t most = 0;  // of one turn, so that a storm leaves room for the others
    std::size_t before = 0;
    rig.until([&] {
      most = std::max(most, rig.sink.accepted.size() - before);
      before = rig.sink.accepted.size();
      return before == kClients;
    });
    CHECK(most <= 4);
    CHECK(rig.sink.accept_ends.empty());
    rig.backend->stop_accept(3, group->sockets[0].get());
    rig.idle();
    clients.push_back(connect());
    rig.idle();
    CHECK(rig.sink.accepted.size() == kClients);
    rig.sink.accept_ends.clear();
    rig.backend->accept(3, group->sockets[0].get());
    rig.until([&] { return rig.sink.accepted.size() == kClients + 1; });
    rig.backend->stop_accept(3, group->sockets[0].get());
    rig.idle();
  });
}

TEST_CASE("Backend: accept_one() accepts one and says so, until it is asked again") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const int listener = group->sockets[0].get();
    std::vector<Fd> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect_to(group->port));
    for (std::size_t count = 1; count <= 4; ++count) {
      rig.backend->accept_one(3, listener);
      if (count == 4) clients.push_back(connect_to(group->port));  // accepting waits for it
      rig.until([&] { return rig.sink.accept_ends.size() == count; });
      rig.idle();
      CHECK(rig.sink.accepted.size() == count);
      CHECK(rig.sink.accept_ends.back() == 0);
    }
    rig.backend->accept_one(3, listener);
    rig.idle();
    rig.backend->stop_accept(3, listener);
    rig.idle();
    clients.push_back(connect_to(group->port));
    rig.idle();
    CHECK(rig.sink.accepted.size() == 4);
  });
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

TEST_CASE("Backend: connect() makes a socket that receives and sends") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const sockaddr_in address = loopback(group->port);
    constexpr std::uint32_t kClients = 100;
    std::vector<int> fds;
    std::vector<Fd> far;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      fds.push_back(rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
      rig.backend->connect(fds[i], {i, 0}, reinterpret_cast<const sockaddr*>(&address),
                           sizeof address);
    }
    rig.until([&] { return rig.sink.connects.size() == kClients; });
    for (std::uint32_t i = 0; i < kClients; ++i) {
      CHECK(rig.sink.connects[i] == std::vector{0});
      far.emplace_back(::accept4(group->sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
      REQUIRE(::send(far.back().get(), "hello", 5, MSG_NOSIGNAL) == 5);
      if (i % 2) rig.turn(0ms);  // the bytes may come before the receive, or after
      rig.backend->receive(fds[i], {i, 0});
    }
    std::size_t waiting = 0;
    for (std::uint32_t i = 0; i < kClients; ++i)
      if (!rig.backend->send(fds[i], {i, 0}, as_bytes("world"))) ++waiting;
    rig.until([&] {
      std::size_t sent = 0;
      std::size_t got = 0;
      for (auto& [index, seen] : rig.sink.by_id) {
        sent += seen.sends.size();
        got += seen.bytes == "hello";
      }
      return sent == waiting && got == kClients;
    });
    std::string text(5, '\0');
    for (const Fd& fd : far) {
      CHECK(::recv(fd.get(), text.data(), text.size(), MSG_WAITALL) == 5);
      CHECK(text == "world");
    }
    for (std::uint32_t i = 0; i < kClients; ++i) rig.end(fds[i], i, true);
  });
}

TEST_CASE("Backend: connect() where nobody listens is refused") {
  on_each([](Rig& rig) {
    std::uint16_t port = 0;
    {
      auto group = open_listeners("127.0.0.1", 0, 1);
      REQUIRE(group);
      port = group->port;
    }
    const sockaddr_in address = loopback(port);
    const Handle fd = rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rig.backend->connect(fd, {0, 0}, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    rig.until([&] { return !rig.sink.connects.empty(); });
    CHECK(rig.sink.connects[0] == std::vector{ECONNREFUSED});
    rig.end(fd, 0, false);
  });
}

TEST_CASE("Backend: connect() to an address that cannot be reached fails at once or later, once") {
  on_each([](Rig& rig) {
    sockaddr_in address = loopback(1);
    address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    const Handle fd = rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rig.backend->connect(fd, {0, 0}, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    rig.until([&] { return !rig.sink.connects.empty(); });
    rig.idle();
    REQUIRE(rig.sink.connects[0].size() == 1);
    CHECK(rig.sink.connects[0][0] != 0);
    rig.end(fd, 0, false);
  });
}

TEST_CASE("UringBackend: a socket goes aside where descriptors are scarce, and is asked there") {
  const auto features = probe_uring();
  if (!features || !features->aside) return;
  const int first = Fd(::dup(STDIN_FILENO)).get();
  Rig rig(std::move(UringBackend::create(*features, first + 40).value()));
  std::deque<Pair> pairs;  // each takes two descriptors, or one when it lies aside
  for (int i = 0; i < 60; ++i) pairs.emplace_back(rig);
  const auto aside = [&] {
    return std::ranges::count_if(pairs, [](const Pair& pair) { return is_aside(pair.near); });
  };
  CHECK(aside() > 30);
  CHECK(aside() < 55);

  const Handle last = pairs.back().near;
  CHECK(with_descriptor(*rig.backend, last, peer_of).address.text() == "127.0.0.1");
  CHECK(with_descriptor(*rig.backend, pairs.front().near, peer_of).address.text() == "127.0.0.1");
  const Fd again = rig.backend->reopen(last);
  REQUIRE(again);
  CHECK(::send(again.get(), "one more", 8, MSG_NOSIGNAL) == 8);
  CHECK(pairs.back().read() == "one more");
  rig.idle();  // what was asked for in between is no event
  CHECK(rig.sink.by_id.empty());
}

TEST_CASE("UringBackend: a place aside is used again when its socket was closed, and not before") {
  const auto features = probe_uring();
  if (!features || !features->aside) return;
  Rig rig(std::move(UringBackend::create(*features, 0).value()));
  Handle most = 0;
  for (int round = 0; round < 20; ++round) {
    std::deque<Pair> pairs;
    for (int i = 0; i < 4; ++i) {
      const Pair& pair = pairs.emplace_back(rig);
      REQUIRE(is_aside(pair.near));
      most = std::max(most, pair.near);
      rig.backend->close(pair.near, {0, 0}, i % 2 == 1);
    }
    // Closed in this turn: their places are not free before the kernel has done it.
    const Pair late(rig);
    rig.idle();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      char octet;
      const ssize_t end = i % 2 == 1 ? -1 : 0;  // reset, or ended
      CHECK(::recv(pairs[i].far.get(), &octet, 1, MSG_DONTWAIT) == end);
      if (end < 0) CHECK(errno == ECONNRESET);
    }
    late.write("still there");
    rig.backend->receive(late.near, {7, 0});
    rig.until([&] { return rig.seen(7).bytes == "still there"; });
    rig.end(late.near, 7, true);
    rig.sink.by_id.clear();
  }
  CHECK(most < kAside + 20);
}

TEST_CASE("EpollBackend: what the kernel does not watch fails alone") {
  // epoll_ctl(2) refuses a regular file, as it does any socket above fs.epoll.max_user_watches.
  Rig rig(std::move(EpollBackend::create().value()));
  const Pair pair(rig);
  rig.backend->receive(pair.near, {1, 0});
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  rig.backend->receive(file, {2, 0});
  rig.until([&] { return !rig.seen(2).ends.empty(); });
  CHECK(rig.seen(2).ends == std::vector{EPERM});
  rig.backend->close(file, {2, 0}, true);

  const Fd listener(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  rig.backend->accept(7, listener.get());
  rig.until([&] { return !rig.sink.accept_ends.empty(); });
  CHECK(rig.sink.accept_ends == std::vector{EPERM});

  pair.write("unharmed");
  rig.until([&] { return rig.seen(1).bytes == "unharmed"; });
  CHECK(rig.seen(2).events == 1);
  rig.end(pair.near, 1, true);
}

TEST_CASE("Backend: wake() ends a wait from another thread and is told") {
  on_each([](Rig& rig) {
    for (int i = 0; i < 20; ++i) {
      const int before = rig.sink.wakes;
      std::thread waker([&] { rig.backend->wake(); });
      REQUIRE(rig.backend->wait(std::nullopt));
      rig.backend->deliver(rig.sink);
      waker.join();
      rig.until([&] { return rig.sink.wakes > before; });
    }
  });
}

TEST_CASE("Backend: wait() lasts as long as it was told") {
  on_each([](Rig& rig) {
    Duration longest{};
    // The end of a ring of the test before may interrupt a wait.
    for (int attempt = 0; attempt < 20 && longest < 29ms; ++attempt) {
      const Instant begin = Clock::now();
      rig.turn(30ms);
      longest = std::max(longest, Clock::now() - begin);
    }
    CHECK(longest >= 29ms);
    CHECK(longest < 2s);
  });
}

}  // namespace
}  // namespace peal::io
