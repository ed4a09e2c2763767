// SPDX-License-Identifier: Apache-2.0
// Sockets that lie aside, in the file table of a ring.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "core/io/peer.h"
#include "core/io/uring_backend.h"
#include "tests/unit/io/backend_rig.h"

namespace peal::io::backend_aside_test {
namespace {

using namespace backend_rig;

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

}  // namespace
}  // namespace peal::io::backend_aside_test
