// SPDX-License-Identifier: Apache-2.0
// Receives into the caller's memory, and those for a single piece.
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/io/backend_rig.h"

namespace peal::io::backend_into_test {
namespace {

using namespace backend_rig;

MutableBytes room_of(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

TEST_CASE("Backend: receives into the caller's memory what there is, and no more") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    std::string room(10, '.');
    pair.write("before");
    rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
    rig.until([&] { return rig.sink.into[0].size() == 1; });
    CHECK(rig.sink.into[0].back() == 6);
    CHECK(room == "before....");
    pair.write("after that it is full");
    rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
    rig.until([&] { return rig.sink.into[0].size() == 2; });
    CHECK(rig.sink.into[0].back() == 10);
    CHECK(room == "after that");
    rig.idle();
    CHECK(rig.sink.into[0].size() == 2);
    rig.backend->receive(pair.near, {0, 0});
    rig.until([&] { return rig.seen(0).bytes == " it is full"; });
    rig.end(pair.near, 0, true);
  });
}

TEST_CASE("Backend: a receive into the caller's memory waits, and ends with the stream") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    std::string room(10, '.');
    rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
    rig.idle();
    CHECK(rig.sink.into[0].empty());
    pair.write("last");
    ::shutdown(pair.far.get(), SHUT_WR);
    rig.until([&] { return rig.sink.into[0].size() == 1; });
    CHECK(rig.sink.into[0].back() == 4);
    rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
    rig.until([&] { return rig.sink.into[0].size() == 2; });
    CHECK(rig.sink.into[0].back() == 0);
    rig.end(pair.near, 0, false);
  });
}

TEST_CASE("Backend: shut_down() ends a receive into the caller's memory, and so does a reset") {
  on_each([](Rig& rig) {
    std::string room(10, '.');
    const Pair pair(rig);
    rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
    rig.turn(0ms);
    rig.backend->shut_down(pair.near, SHUT_RDWR);
    rig.until([&] { return !rig.sink.into[0].empty(); });
    CHECK(rig.sink.into[0] == std::vector{0});
    rig.end(pair.near, 0, false);

    Pair broken(rig);
    rig.backend->receive_into(broken.near, {1, 0}, room_of(room));
    rig.turn(0ms);
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(broken.far.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    broken.far.reset();
    rig.until([&] { return !rig.sink.into[1].empty(); });
    CHECK(rig.sink.into[1] == std::vector{-ECONNRESET});
    rig.end(broken.near, 1, false);
  });
}

TEST_CASE("Backend: much comes whole, by turns as a piece and into the caller's memory") {
  on_each([](Rig& rig) {
    const Pair pair(rig);
    const std::string sent = pattern(5 << 20);
    std::jthread writer([&] {
      for (std::string_view rest = sent; !rest.empty();) {
        const ssize_t size = ::send(pair.far.get(), rest.data(), rest.size(), 0);
        REQUIRE(size > 0);
        rest.remove_prefix(static_cast<std::size_t>(size));
      }
    });
    std::string got, room(300'000, '.');
    Recorder::Seen& seen = rig.seen(0);
    while (got.size() < sent.size()) {
      const int events = seen.events;
      if (!seen.armed) rig.backend->receive_once(pair.near, {0, 0});
      rig.until([&] { return seen.events > events; });
      if (seen.armed && rig.backend->stop_receive(pair.near, {0, 0}))
        rig.until([&] { return !seen.armed; });
      seen.armed = false;
      got += std::exchange(seen.bytes, {});
      if (got.size() == sent.size()) break;
      const std::size_t results = rig.sink.into[0].size();
      rig.backend->receive_into(pair.near, {0, 0}, room_of(room));
      rig.until([&] { return rig.sink.into[0].size() > results; });
      REQUIRE(rig.sink.into[0].back() > 0);
      got.append(room, 0, static_cast<std::size_t>(rig.sink.into[0].back()));
    }
    CHECK(got == sent);
    rig.end(pair.near, 0, false);
  });
}

}  // namespace
}  // namespace peal::io::backend_into_test
