// SPDX-License-Identifier: Apache-2.0
// What every back end must do with bytes that come, and with time.
#include "core/io/backend.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>
#include <thread>

#include "tests/unit/io/backend_rig.h"

namespace peal::io::backend_test {
namespace {

using namespace backend_rig;

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

TEST_CASE("Backend: receive_once() brings no more than a buffer in a turn") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    const std::string sent = pattern(3 * BufferPool::kSize);
    pair.write(sent);
    rig.backend->receive_once(pair.near, {0, 0});
    for (int turns = 0; rig.seen(0).bytes.size() < sent.size(); ++turns) {
      REQUIRE(turns < 500);
      const int events = rig.seen(0).events;
      rig.turn(10ms);
      CHECK(rig.seen(0).events <= events + 1);
      if (rig.seen(0).events > events && !rig.seen(0).armed)
        rig.backend->receive_once(pair.near, {0, 0});
    }
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

TEST_CASE("Backend: who floods lets others have their turn after each buffer") {
  const auto features = probe_uring();
  on_each([&](Rig& rig) {
    if (rig.backend->name() == std::string_view("io_uring") && !features->by_turns) return;
    const Pair flooding(rig), other(rig);
    rig.backend->receive(flooding.near, {0, 0});
    rig.backend->receive(other.near, {1, 0});
    rig.idle();
    const std::string flood(1 << 20, 'f');
    const ssize_t sent = ::send(flooding.far.get(), flood.data(), flood.size(), MSG_DONTWAIT);
    REQUIRE(sent > 3 * BufferPool::kSize);
    other.write("x");
    while (rig.seen(1).bytes.empty()) {
      const std::size_t before = rig.seen(0).bytes.size();
      rig.turn(1s);
      REQUIRE(rig.seen(0).bytes.size() - before <= 2 * BufferPool::kSize);
    }
    rig.until([&] { return static_cast<ssize_t>(rig.seen(0).bytes.size()) == sent; });
    rig.end(flooding.near, 0, true);
    rig.end(other.near, 1, true);
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
}  // namespace peal::io::backend_test
