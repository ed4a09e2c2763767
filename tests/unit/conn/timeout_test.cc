// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;

TEST_CASE("ConnectionTable: half a request is answered with 408 when its time is up") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    bench.run();
    bench.pass(5s);
    socket.write("GET / HTTP/1.1\r\n");
    bench.run();
    bench.pass(4900ms);
    CHECK(socket.unread() == 0);
    bench.pass(200ms);
    CHECK(socket.read().starts_with("HTTP/1.1 408 "));
    CHECK(socket.ended());
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: who never says a word is let go without one") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    bench.run();
    bench.pass(10100ms);
    CHECK(socket.closed());
    CHECK(socket.read().empty());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: each request has its own time") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    for (int i = 0; i < 5; ++i) {
      bench.run();
      bench.pass(9s);
      socket.write(get("/"));
      bench.run();
      CHECK(socket.read().starts_with("HTTP/1.1 200 "));
    }
    bench.pass(9900ms);
    CHECK_FALSE(socket.closed());
    bench.pass(200ms);
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("RFC 9112 section 2.2: an empty line behind a request begins no other") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    const std::vector<std::vector<std::string_view>> pieces{{"\r\n"}, {"\r", "\n"}};
    for (const auto& line : pieces) {
      SimSocket& socket = bench.connect();
      socket.write(post("/body", "hi"));
      for (const std::string_view piece : line) {
        socket.write(piece);
        bench.run();
      }
      CHECK(socket.read().ends_with("hi\n"));
      bench.pass(10100ms);
      CHECK(socket.closed());
      CHECK_FALSE(socket.was_reset());
      CHECK(socket.read().empty());
    }
    CHECK(bench.handler.endings == std::vector(2, Ending::idle));
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("RFC 9112 section 2.2: of the empty lines before a request one is dropped") {
  on_both({}, [](Bench& bench) {
    for (const bool apart : {false, true}) {
      SimSocket& one = bench.connect();
      SimSocket& two = bench.connect();
      SimSocket& bare = bench.connect();
      for (SimSocket* socket : {&one, &two, &bare}) socket->write("\r\n");
      if (apart) bench.run();
      one.write(get("/a") + "\r\n" + get("/b"));
      two.write("\r\n" + get("/a"));
      bare.write("\rGET");
      bench.run();
      CHECK(count_of(one.read(), "HTTP/1.1 200 ") == 2);
      CHECK(two.read().starts_with("HTTP/1.1 400 "));
      CHECK(bare.read().starts_with("HTTP/1.1 400 "));
    }
  });
}

TEST_CASE("ConnectionTable: whole requests behind answers that are read slowly are answered") {
  on_both({.limits = {.handshake_timeout = 10s, .send_timeout = 20s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 2000;
    constexpr std::size_t kCount = 1000;
    for (std::size_t i = 0; i < kCount; ++i) socket.write(get("/next"));
    bench.run();
    CHECK(bench.handler.requests.size() < kCount);
    std::string all;
    for (int i = 0; i < 20; ++i) {
      bench.pass_slowly(9s);
      all += socket.read();
    }
    CHECK_FALSE(socket.closed());
    socket.window = 1 << 20;
    bench.run();
    all += socket.read();
    CHECK(count_of(all, "HTTP/1.1 200 ") == kCount);
    bench.pass_slowly(9900ms);
    CHECK_FALSE(socket.closed());
    bench.pass_slowly(200ms);
    CHECK(socket.closed());
    CHECK(socket.read().empty());
    CHECK(bench.handler.endings == std::vector{Ending::idle});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: who takes nothing of the answers it asks for is reset, without a 408") {
  on_both({.limits = {.handshake_timeout = 10s, .send_timeout = 20s}}, [](Bench& bench) {
    for (const std::size_t requests : {1, 1000}) {
      CAPTURE(requests);
      bench.handler.endings.clear();
      SimSocket& socket = bench.connect();
      socket.window = 50;
      for (std::size_t i = 0; i < requests; ++i) socket.write(get("/next"));
      bench.run();
      socket.write("GET / HT");  // says something, but takes nothing
      bench.pass_slowly(19900ms);
      CHECK_FALSE(socket.closed());
      bench.pass_slowly(200ms);
      CHECK(socket.was_reset());
      CHECK(bench.handler.endings == std::vector{Ending::send_timeout});
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE(
    "ConnectionTable: an answer is sent for as long as it is read, then the next is waited for") {
  on_both({.limits = {.handshake_timeout = 10s, .send_timeout = 20s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 500;
    socket.write(get("/owed"));
    bench.run();
    bench.handler.answer(std::string(5000, 'x'));
    bench.run();
    std::string all;
    while (!all.ends_with("x\n")) {
      bench.pass_slowly(5s);
      REQUIRE_FALSE(socket.closed());
      all += socket.read();
      bench.run();
    }
    bench.pass_slowly(4900ms);  // its last piece was sent 5 s ago
    CHECK_FALSE(socket.closed());
    socket.write("GET / HTTP/1.1\r\n");
    bench.pass_slowly(200ms);
    CHECK(socket.read().starts_with("HTTP/1.1 408 "));
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: requests that wait until other shards keep up are not late") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(post("/body", "a"));
    bench.run();
    bench.pass_slowly(5s);
    CHECK(socket.read().ends_with("a\n"));
    bench.table().stall_publisher(*bench.table().find(bench.handler.owed));
    socket.write(post("/body", "b") + post("/body", "c"));
    FakeClock::advance(6s);
    bench.turn();  // resumes it, but first its time is up
    bench.run();
    CHECK(count_of(socket.read(), "HTTP/1.1 200 ") == 2);
    CHECK_FALSE(socket.ended());
  });
}

TEST_CASE("ConnectionTable: topics that do not get ready in time end the connection") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/later"));
    bench.run();
    bench.pass(10100ms);
    CHECK(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a silent client is pinged, and stays when it answers") {
  on_both({.policy = {.outbox = {}, .ping_interval = 25s, .pong_timeout = 15s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    for (std::size_t round = 1; round <= 3; ++round) {
      bench.pass_slowly(24900ms);
      bench.read(socket, peer);
      CHECK(peer.pings.size() == round - 1);
      bench.pass_slowly(200ms);
      bench.read(socket, peer);
      CHECK(peer.pings.size() == round);
      socket.write(peer.frame(Opcode::pong, ""));
      bench.run();
    }
    bench.pass_slowly(20s);
    CHECK_FALSE(socket.closed());
  });
}

TEST_CASE("ConnectionTable: a client that talks is not pinged") {
  on_both({.policy = {.outbox = {}, .ping_interval = 25s, .pong_timeout = 15s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    for (int i = 0; i < 10; ++i) {
      bench.pass_slowly(20s);
      socket.write(peer.text("still here"));
      bench.run();
    }
    bench.read(socket, peer);
    CHECK(peer.pings.empty());
    CHECK(peer.messages.size() == 10);
  });
}

TEST_CASE("ConnectionTable: a client that answers no ping is let go") {
  on_both({.policy = {.outbox = {}, .ping_interval = 25s, .pong_timeout = 15s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.pass_slowly(39900ms);
    bench.read(socket, peer);
    CHECK(peer.pings.size() == 1);
    CHECK_FALSE(socket.closed());
    bench.pass_slowly(300ms);
    CHECK(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: without pong_timeout a silent client is pinged for ever") {
  on_both({.policy = {.outbox = {}, .ping_interval = 10s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.pass_slowly(100s);
    CHECK_FALSE(socket.closed());
  });
}

TEST_CASE("ConnectionTable: an idle client is closed, pongs do not count") {
  on_both({.policy = {.outbox = {}, .ping_interval = 5s, .pong_timeout = 3s, .idle_timeout = 30s}},
          [](Bench& bench) {
            WsPeer peer;
            SimSocket& socket = bench.open(peer);
            const auto pass_with_pongs = [&](int seconds) {
              for (int i = 0; i < seconds; ++i) {
                bench.pass(1s);
                socket.write(peer.frame(Opcode::pong, ""));
                bench.run();
              }
            };
            pass_with_pongs(20);
            socket.write(peer.text("a sign of life"));
            bench.run();
            pass_with_pongs(29);
            bench.read(socket, peer);
            CHECK_FALSE(peer.close_code);
            bench.pass_slowly(1100ms);
            bench.read(socket, peer);
            CHECK(peer.close_code == 1001);
          });
}

TEST_CASE("ConnectionTable: who does not answer a close is let go after close_timeout") {
  on_both({.limits = {.close_timeout = 5s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.run();
    socket.write(peer.text("not a close"));
    bench.pass(4900ms);
    CHECK_FALSE(socket.closed());
    bench.pass(200ms);
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: who does not end its side is let go after close_timeout") {
  on_both({.limits = {.close_timeout = 5s}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.close(1000));
    bench.run();
    CHECK_FALSE(socket.closed());
    bench.pass(5100ms);
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

constexpr Setup kClosing{.limits = {.close_timeout = 5s, .send_timeout = 20s}};

TEST_CASE(
    "ConnectionTable: the last answer is sent for as long as it is read, then the end waited for") {
  on_both(kClosing, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 500;
    socket.write(get("/owed", "Connection: close\r\n"));
    bench.run();
    bench.handler.answer(std::string(5000, 'x'));
    bench.run();
    std::string all;
    while (!all.ends_with("x\n")) {
      REQUIRE_FALSE(socket.closed());
      bench.pass_slowly(7s);
      all += socket.read();
      bench.run();
    }
    CHECK(socket.ended());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: close_timeout begins when all is sent") {
  on_both(kClosing, [](Bench& bench) {
    for (const bool by_server : {false, true}) {
      CAPTURE(by_server);
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      socket.window = 100;
      socket.write(peer.text(std::string(1000, 'm')));
      bench.run();
      if (by_server)
        bench.table().close_all(ws::CloseCode::going_away, "");
      else
        socket.write(peer.close(1000));
      bench.run();
      for (int i = 0; i < 10; ++i) {
        bench.pass_slowly(7s);
        REQUIRE_FALSE(socket.closed());
        bench.read(socket, peer);
        bench.run();
      }
      bench.read(socket, peer);
      CHECK(peer.messages.size() == 1);
      CHECK(peer.close_code == (by_server ? 1001 : 1000));
      bench.pass_slowly(4900ms);
      CHECK_FALSE(socket.closed());
      bench.pass_slowly(200ms);
      CHECK(socket.closed());
      CHECK_FALSE(socket.was_reset());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: who takes nothing before the end is reset, whatever it says") {
  on_both(kClosing, [](Bench& bench) {
    for (const bool by_server : {false, true}) {
      CAPTURE(by_server);
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      socket.window = 0;
      socket.write(peer.text("x"));
      bench.run();
      if (by_server)
        bench.table().close_all(ws::CloseCode::going_away, "");
      else
        socket.write(peer.close(1000));
      for (int i = 0; i < 19; ++i) {
        bench.pass_slowly(1s);
        CHECK_FALSE(socket.closed());
        socket.write(peer.text("still here") + peer.frame(Opcode::pong, ""));
        bench.run();
      }
      bench.pass_slowly(1100ms);
      CHECK(socket.was_reset());
    }
    CHECK(bench.all_given_back());
  });
}

}  // namespace
}  // namespace peal::conn::test
