// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;
using Message = WsPeer::Message;

constexpr ws::DeflateOffer kOffer{.client_max_window_bits = 15};

RoutePolicy with_takeover() {
  RoutePolicy policy;
  policy.deflate.context_takeover = true;
  return policy;
}

std::string compressed(WsPeer& peer, std::string_view text, bool context = false) {
  return peer.frame(Opcode::text, peer.deflate(text, context), true, true);
}

TEST_CASE("Compression: an echo is compressed where that is worthwhile, control frames never are") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer, "/echo", kOffer);
    CHECK(peer.agreement().on);
    const std::string text(1000, 'x');
    socket.write(compressed(peer, text) + peer.text(text) + peer.text("short") +
                 peer.ping(text.substr(0, 100)));
    bench.run();
    const std::string octets = socket.read();
    CHECK(octets.size() < 200);
    peer.take(octets);
    CHECK(peer.messages == std::vector<Message>{{Opcode::text, text},
                                                {Opcode::text, text},
                                                {Opcode::text, "short"}});
    CHECK(peer.compressed_messages() == 2);
    CHECK(peer.pongs == std::vector{text.substr(0, 100)});
  });
}

TEST_CASE("Compression: without takeover an idle connection holds nothing for it") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer, "/echo", kOffer);
    const std::string octets = compressed(peer, std::string(1000, 'x'));
    socket.write(octets.substr(0, 12));
    bench.run();
    CHECK(bench.memory().inflaters.out() == 1);
    socket.write(octets.substr(12));
    bench.run();
    CHECK(bench.memory().inflaters.out() == 0);
    CHECK(bench.memory().blocks.bytes_out() == 0);
    socket.write(octets.substr(0, 12));
    bench.run();
    socket.reset();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("Compression: with takeover, echoes refer to earlier ones, in the order of sending") {
  on_both({.policy = with_takeover()}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer, "/echo", kOffer);
    CHECK(peer.agreement().server_takeover);
    CHECK(peer.agreement().client_takeover);
    std::string text;
    for (int i = 0; i < 100; ++i) text += std::to_string(i * 37 % 101);
    std::size_t first = 0;
    for (int i = 0; i < 5; ++i) {
      socket.write(compressed(peer, text, true) + peer.text("tiny") + peer.ping("p"));
      bench.run();
      const std::string octets = socket.read();
      peer.take(octets);
      if (i == 0) first = octets.size();
      if (i > 0) CHECK(octets.size() < first / 3);
    }
    CHECK(peer.error == "");
    CHECK(peer.messages.size() == 10);
    CHECK(peer.messages[8] == Message{Opcode::text, text});
    CHECK(bench.memory().inflaters.out() == 1);
    socket.reset();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE(
    "Compression: what one client inflates in a turn is bounded, and it goes on in the next") {
  on_both({}, [](Bench& bench) {
    WsPeer bomber(1);
    WsPeer other(2);
    SimSocket& bombs = bench.open(bomber, "/echo", kOffer);
    SimSocket& socket = bench.open(other);
    const std::string large(600'000, 'x');
    std::string burst;
    for (int i = 0; i < 5; ++i) burst += compressed(bomber, large);
    REQUIRE(burst.size() < 16'000);  // in one receive buffer
    bombs.write(burst);
    bench.turn();
    bench.turn();
    CHECK(bench.handler.messages.empty());  // a turn takes less than the first of them
    socket.write(other.text("me too"));
    for (int turns = 0; other.messages.empty(); ++turns) {
      REQUIRE(turns < 4);
      bench.turn();
      bench.read(socket, other);
    }
    CHECK(bench.handler.messages.size() == 1);
    bench.run();
    CHECK(bench.handler.messages.size() == 6);
    bench.read(bombs, bomber);
    CHECK(bomber.messages.size() == 5);
    CHECK(bomber.error == "");
  });
}

TEST_CASE("Compression: answers leave before what waits in line gets its share of the turn") {
  on_both({}, [](Bench& bench) {
    WsPeer bomber(1);
    WsPeer other(2);
    SimSocket& bombs = bench.open(bomber, "/echo", kOffer);
    SimSocket& socket = bench.open(other);
    bombs.write(compressed(bomber, std::string(12'000, 'x')));
    socket.write(other.text("first"));
    std::vector<std::string> before;
    bench.backend().on_submit = [&] { before = bench.handler.messages; };
    bench.turn();
    CHECK(before == std::vector<std::string>{"first"});
    CHECK(bench.handler.messages.size() == 2);
    bench.backend().on_submit = {};
    bench.run();
    bench.read(bombs, bomber);
    CHECK(bomber.messages.size() == 1);
  });
}

TEST_CASE("Compression: a client may go, or end, while its input waits for the next turn") {
  for (const bool resets : {false, true}) {
    on_both({}, [&](Bench& bench) {
      WsPeer peer;
      SimSocket& socket = bench.open(peer, "/echo", kOffer);
      const std::string large(600'000, 'x');
      std::string burst;
      for (int i = 0; i < 5; ++i) burst += compressed(peer, large);
      socket.write(burst);
      if (!resets) socket.shut_down_write();
      bench.turn();
      if (resets) socket.reset();
      bench.run();
      if (!resets) {
        bench.read(socket, peer);
        CHECK(peer.messages.size() == 5);
      }
      CHECK(bench.all_given_back());
    });
  }
}

TEST_CASE("Compression: what is broken closes with the code for it, after what was queued") {
  const std::string bomb(2 << 20, 'x');
  on_both({}, [&](Bench& bench) {
    WsPeer peer;
    for (const auto& [frame, code] :
         {std::pair{peer.frame(Opcode::text, "\xff\xff", true, true), 1007},
          std::pair{peer.frame(Opcode::ping, "", true, true), 1002},
          std::pair{compressed(peer, bomb), 1009}}) {
      WsPeer client(3);
      SimSocket& socket = bench.open(client, "/echo", kOffer);
      socket.write(compressed(client, "before, before, before") + frame);
      bench.run();
      bench.read(socket, client);
      CHECK(client.messages == std::vector<Message>{{Opcode::text, "before, before, before"}});
      CHECK(client.close_code == code);
    }
  });
}

}  // namespace
}  // namespace peal::conn::test
