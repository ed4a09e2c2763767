// SPDX-License-Identifier: Apache-2.0
// What goes back by RoutePolicy::echo.
#include <algorithm>
#include <random>

#include "tests/support/rounds.h"
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;
using Messages = std::vector<WsPeer::Message>;

/// What a client that sends, reads and waits at random is sent, octet by octet.
std::string dialogue(Bench& bench, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&random](std::size_t bound) { return random() % bound; };
  WsPeer peer(seed);
  SimSocket& socket = bench.open(peer);
  socket.window = 1 + below(4000);
  std::string stream;
  for (auto frames = below(60); frames > 0; --frames) {
    const std::string payload(below(20) == 0 ? below(40'000) : below(200), "abcdefgh"[below(8)]);
    const std::size_t kind = below(42);
    if (kind < 30) {
      stream += peer.text(payload);
    } else if (kind < 34) {
      stream += peer.frame(Opcode::binary, payload);
    } else if (kind < 36) {
      stream += peer.frame(Opcode::text, payload, false) + peer.ping("within") +
                peer.frame(Opcode::continuation, payload);
    } else if (kind < 38) {
      stream += peer.ping(payload.substr(0, 100));
    } else if (kind < 39) {
      stream += peer.text("\xff");
    } else if (kind < 41) {
      stream += peer.frame(Opcode::text, payload, false);  // what follows must be its rest
    } else {
      stream += peer.close(1000);
    }
  }
  std::string answers;
  while (!stream.empty()) {
    const std::size_t piece = std::min(stream.size(), 1 + below(below(2) == 0 ? 300 : 30'000));
    socket.write(stream.substr(0, piece));
    stream.erase(0, piece);
    if (below(3) != 0) bench.run();
    if (below(3) == 0) answers += socket.read(below(5000));
  }
  for (std::string more = "x"; !more.empty(); answers += more) {
    bench.run();
    more = socket.read();
  }
  socket.reset();  // perhaps within a message
  bench.run();
  return answers;
}

TEST_CASE("ConnectionTable: what is echoed unseen is what a handler would echo") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(300); ++seed) {
    INFO("seed ", seed);
    std::vector<std::string> answers;
    for (const bool echo : {false, true}) {
      Setup setup{.policy = {.outbox = {}, .message_size = 20'000, .echo = echo}, .seed = seed};
      setup.policy.outbox.queue_size = seed % 3 == 0 ? 1000 : 1 << 20;
      on_both(setup, [&](Bench& bench) {
        answers.push_back(dialogue(bench, seed));
        CHECK((bench.handler.messages.empty() || !echo));
      });
    }
    CHECK(answers[0] == answers[2]);
    CHECK(answers[1] == answers[3]);
  }
}

TEST_CASE("ConnectionTable: the handler hears how many messages were echoed, each way there is") {
  on_both({.policy = {.outbox = {}, .echo = true}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.text("a") + peer.text("b") + peer.ping("p") + peer.text("c") +
                 peer.frame(Opcode::text, "in ", false) +
                 peer.frame(Opcode::continuation, "pieces"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages == Messages{{Opcode::text, "a"},
                                    {Opcode::text, "b"},
                                    {Opcode::text, "c"},
                                    {Opcode::text, "in pieces"}});
    CHECK(peer.pongs == std::vector<std::string>{"p"});
    CHECK(bench.handler.echoed == 4);
    CHECK(bench.handler.messages.empty());
  });
}

TEST_CASE("ConnectionTable: who does not read the echo is not listened to") {
  on_both({.policy = {.outbox = {.queue_size = 1000}, .echo = true}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 100;
    Messages sent;
    for (int i = 0; i < 500; ++i) {
      sent.push_back({Opcode::text, std::to_string(i) + std::string(90, '.')});
      socket.write(peer.text(sent.back().payload));
    }
    bench.run();
    CHECK(bench.handler.echoed < 20);
    while (peer.messages.size() < sent.size()) {
      const std::size_t before = peer.messages.size();
      for (int i = 0; i < 10; ++i) {
        bench.read(socket, peer);
        bench.run();
      }
      REQUIRE(peer.messages.size() > before);
    }
    CHECK(peer.messages == sent);
  });
}

TEST_CASE("ConnectionTable: a rate holds for what is echoed") {
  on_both({.policy = {.outbox = {}, .message_rate = Rate(10), .echo = true}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    for (int i = 0; i < 50; ++i) socket.write(peer.text("x"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.close_code == 1008);
    CHECK(bench.handler.echoed < 50);
  });
}

}  // namespace
}  // namespace peal::conn::test
