// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;
using Messages = std::vector<WsPeer::Message>;

TEST_CASE("ConnectionTable: a WebSocket opens and echoes") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 100'000;
    socket.write(peer.text("hello") + peer.frame(Opcode::binary, std::string(70'000, 'b')) +
                 peer.text(""));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages == Messages{{Opcode::text, "hello"},
                                    {Opcode::binary, std::string(70'000, 'b')},
                                    {Opcode::text, ""}});
    CHECK(peer.error.empty());
  });
}

TEST_CASE("ConnectionTable: frames in the same segment as the request are not lost") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/echo") + peer.text("early") + peer.ping("p"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages == Messages{{Opcode::text, "early"}});
    CHECK(peer.pongs == std::vector<std::string>{"p"});
  });
}

TEST_CASE("ConnectionTable: the 101 is held back until the topics are ready") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/later") + peer.text("early"));
    bench.run();
    socket.write(peer.text("later"));
    bench.run();
    CHECK(socket.unread() == 0);
    CHECK(bench.handler.messages.empty());
    bench.table().topics_ready(*bench.table().find(bench.handler.upgrading));
    bench.run();
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.accepted());
    CHECK(peer.messages == Messages{{Opcode::text, "early"}, {Opcode::text, "later"}});
  });
}

TEST_CASE("ConnectionTable: request, messages and the end of the client's side all at once") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/echo") + peer.text("a") + peer.text("b") + peer.close(1000));
    socket.shut_down_write();
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.accepted());
    CHECK(peer.messages == Messages{{Opcode::text, "a"}, {Opcode::text, "b"}});
    CHECK(peer.close_code == 1000);
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: frames octet by octet, fragments, pings in between") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    const std::string octets = peer.frame(Opcode::text, "one ", false) + peer.ping("!") +
                               peer.frame(Opcode::continuation, "two ", false) +
                               peer.frame(Opcode::continuation, "three");
    for (const char octet : octets) {
      socket.write({&octet, 1});
      bench.run();
    }
    bench.read(socket, peer);
    CHECK(peer.messages == Messages{{Opcode::text, "one two three"}});
    CHECK(peer.pongs == std::vector<std::string>{"!"});
  });
}

TEST_CASE("ConnectionTable: an idle WebSocket holds no buffer, no block and no segment") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.text("x") + peer.frame(Opcode::binary, std::string(100'000, 'y')));
    bench.run();
    bench.read(socket, peer);
    REQUIRE(peer.messages.size() == 1);
    bench.run();
    bench.read(socket, peer);
    REQUIRE(peer.messages.size() == 2);
    CHECK(bench.table().size() == 1);
    CHECK(bench.memory().segments.out() == 0);
    CHECK(bench.memory().blocks.bytes_out() == 0);
    CHECK(bench.memory().buffers.held_count() == 0);
  });
}

TEST_CASE("ConnectionTable: a small frame is echoed from the buffer it came in") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 0;
    socket.write(peer.text("a") + peer.text("b"));
    bench.run();
    CHECK(bench.memory().buffers.held_count() == 1);
    CHECK(bench.memory().blocks.bytes_out() == 0);
    CHECK(bench.memory().segments.out() == 1);  // both frames leave in one piece
    socket.window = 1000;
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages.size() == 2);
  });
}

TEST_CASE("ConnectionTable: when buffers get scarce, echoes are copied out of them") {
  on_both({}, [](Bench& bench) {
    constexpr std::size_t kCount = io::BufferPool::kCount;
    std::vector<WsPeer> peers(kCount);
    std::vector<SimSocket*> sockets;
    for (WsPeer& peer : peers) sockets.push_back(&bench.open(peer));
    for (std::size_t i = 0; i < kCount; ++i) {
      sockets[i]->window = 0;
      sockets[i]->write(peers[i].text("number " + std::to_string(i)));
    }
    bench.run();
    CHECK(bench.memory().buffers.held_count() <= kCount / 2 + 1);
    for (SimSocket* socket : sockets) socket->window = 1000;
    bench.run();
    for (std::size_t i = 0; i < kCount; ++i) {
      bench.read(*sockets[i], peers[i]);
      REQUIRE(peers[i].messages.size() == 1);
      CHECK(peers[i].messages[0].payload == "number " + std::to_string(i));
    }
    CHECK(bench.memory().buffers.held_count() == 0);
  });
}

}  // namespace
}  // namespace peal::conn::test
