// SPDX-License-Identifier: Apache-2.0
// The same with bytes that go, and with the end.
#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/rounds.h"
#include "tests/unit/io/backend_rig.h"

namespace peal::io::backend_send_test {
namespace {

using namespace backend_rig;

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
      for (const Pair& pair : pairs) CHECK(pair.read(1000) == text);
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

}  // namespace
}  // namespace peal::io::backend_send_test
