// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;

constexpr Setup kSmallQueue{.policy = {.outbox = {.queue_size = 2000}}};

TEST_CASE("ConnectionTable: a client that does not read its echoes is not read from") {
  on_both(kSmallQueue, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 0;
    constexpr std::size_t kCount = 2000;
    std::string all;
    for (std::size_t i = 0; i < kCount; ++i)
      all += peer.text(std::to_string(i) + std::string(100, '.'));
    socket.write(all);
    bench.run();
    CHECK(bench.handler.messages.size() < 30);
    CHECK(socket.unreceived() > all.size() / 2);
    socket.window = 1500;
    for (int i = 0; i < 10'000 && peer.messages.size() < kCount; ++i) {
      bench.read(socket, peer);
      bench.run();
    }
    REQUIRE(peer.messages.size() == kCount);
    for (std::size_t i = 0; i < kCount; ++i)
      CHECK(peer.messages[i].payload.starts_with(std::to_string(i) + "."));
    CHECK(bench.memory().segments.out() == 0);
  });
}

TEST_CASE("ConnectionTable: pings are answered only as fast as they are read") {
  on_both(kSmallQueue, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 0;
    constexpr int kPings = 5000;
    const auto payload = [](int number) { return std::to_string(number) + std::string(100, 'p'); };
    std::string flood;
    for (int i = 0; i < kPings; ++i) flood += peer.ping(payload(i));
    socket.write(flood);
    bench.run();
    CHECK(socket.unreceived() > flood.size() / 2);
    socket.window = 1 << 20;
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.pongs.size() > 100);
    CHECK(peer.pongs.back() == payload(kPings - 1));
  });
}

TEST_CASE("ConnectionTable: bytes that come after a stalled connection has failed are forgotten") {
  on_both(kSmallQueue, [](Bench& bench) {
    for (int round = 0; round < 100; ++round) {  // who comes first, the bytes or the failure
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      socket.window = 0;
      for (int i = 0; i < 1000; ++i) socket.write(peer.text(std::string(100, 'x')));
      Connection& connection = *bench.table().find(bench.handler.upgrading);
      while (connection.state.stall == Stall::none) bench.turn();
      socket.reset();
      bench.run();
      CHECK(socket.closed());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a stalled publisher goes on where it stopped") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.table().stall_publisher(*bench.table().find(bench.handler.upgrading));
    // The bench's turns resume it at once, so nothing may be lost or doubled by the pause.
    socket.write(peer.text("a") + peer.text("b"));
    bench.run();
    socket.write(peer.text("c"));
    bench.run();
    CHECK(bench.handler.messages == std::vector<std::string>{"a", "b", "c"});
  });
}

TEST_CASE("ConnectionTable: a full queue closes with 1008, never inside a frame") {
  on_both({.policy = {.outbox = {.queue_size = 1000}}}, [](Bench& bench) {
    for (std::size_t window = 1; window < 400; window += 7) {
      CAPTURE(window);
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      Connection& connection = *bench.table().find(bench.handler.upgrading);
      const auto publish = [&] {
        hub::Message* message =
            bench.memory().make_message(Opcode::text, as_bytes(std::string(300, 'm')));
        connection.push_message(bench.memory(), message, connection.policy->outbox);
        bench.memory().release(message);
        bench.mark_due(connection);
      };
      socket.window = window;
      publish();
      bench.run();
      // The client reads a little, so that there is room at the very moment of the overflow.
      bench.read(socket, peer);
      for (int i = 0; i < 5; ++i) publish();
      for (int i = 0; i < 1000 && !peer.close_code; ++i) {
        bench.run();
        bench.read(socket, peer);
      }
      CHECK(peer.error.empty());
      CHECK(peer.close_code == 1008);
      for (const auto& message : peer.messages) CHECK(message.payload == std::string(300, 'm'));
      socket.write(peer.close(1008));
      socket.shut_down_write();
      bench.run();
      CHECK(socket.closed());
    }
  });
}

TEST_CASE("ConnectionTable: who does not read even the 1008 is let go after close_timeout") {
  on_both({.policy = {.outbox = {.queue_size = 1000}}, .limits = {.close_timeout = 5s}},
          [](Bench& bench) {
            WsPeer peer;
            SimSocket& socket = bench.open(peer);
            Connection& connection = *bench.table().find(bench.handler.upgrading);
            socket.window = 60;
            hub::Message* message =
                bench.memory().make_message(Opcode::text, as_bytes(std::string(300, 'm')));
            for (int i = 0; i < 5; ++i) {
              connection.push_message(bench.memory(), message, connection.policy->outbox);
              bench.mark_due(connection);
              bench.run();
            }
            bench.memory().release(message);
            for (int i = 0; i < 3; ++i) {
              bench.pass_slowly(4900ms);
              CHECK_FALSE(socket.closed());
              socket.read();
              bench.run();
            }
            bench.pass_slowly(5100ms);
            CHECK(socket.was_reset());
            CHECK(bench.handler.endings == std::vector{Ending::slow_client});
            CHECK(bench.all_given_back());
          });
}

TEST_CASE("ConnectionTable: a queue that is full before the 101 is sent does not swallow it") {
  on_both({.policy = {.outbox = {.queue_size = 200}}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/later"));
    bench.run();
    Connection& connection = *bench.table().find(bench.handler.upgrading);
    hub::Message* message =
        bench.memory().make_message(Opcode::text, as_bytes(std::string(300, 'm')));
    connection.push_message(bench.memory(), message, connection.policy->outbox);
    bench.memory().release(message);
    bench.table().topics_ready(connection);
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.accepted());
    CHECK(peer.close_code == 1008);
  });
}

}  // namespace
}  // namespace peal::conn::test
