// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;

io::Peer client(int number) {
  return {io::Peer::Kind::ip, IpAddress::parse("10.0.0." + std::to_string(number)).value()};
}

std::string texts(WsPeer& peer, int count) {
  std::string frames;
  for (int i = 0; i < count; ++i) frames += peer.text(std::to_string(i));
  return frames;
}

// ---- Newcomers ---------------------------------------------------------------------------------

TEST_CASE("ConnectionTable: fewer newcomers come in at once beside who sends messages") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& talker = bench.open(peer);
    std::vector<SimSocket*> newcomers;
    const auto accepted_in_a_turn = [&] {
      for (int i = 0; i < 10; ++i) newcomers.push_back(&bench.connect());
      const std::size_t before = bench.backend().open_sockets();
      bench.turn();
      const std::size_t accepted = bench.backend().open_sockets() - before;
      bench.run();
      return accepted;
    };
    CHECK(accepted_in_a_turn() == io::Backend::kMostAccepts);
    talker.write(peer.text("hello"));
    bench.run();
    CHECK(accepted_in_a_turn() == 2);
    for (int i = 0; i < 100; ++i) bench.turn();
    CHECK(accepted_in_a_turn() == io::Backend::kMostAccepts);
    bench.table().terminate_all();
    bench.run();
  });
}

// ---- Connections of one client -----------------------------------------------------------------

TEST_CASE("ConnectionTable: who comes above a client's share is told, and then refused") {
  on_both({.per_client = 2}, [](Bench& bench) {
    Bench::next_peer = client(1);
    std::vector<SimSocket*> sockets;
    for (int i = 0; i < 6; ++i) sockets.push_back(&bench.connect());
    bench.run();
    CHECK(bench.handler.refused == 2);
    CHECK(sockets[4]->was_reset());
    CHECK(sockets[5]->was_reset());

    Bench::next_peer = client(2);
    SimSocket& neighbour = bench.connect();
    bench.run();
    sockets.push_back(&neighbour);
    for (SimSocket* socket : sockets) socket->write(get("/"));
    bench.run();
    for (const int served : {0, 1, 6}) {
      CHECK(sockets[served]->read().starts_with("HTTP/1.1 "));
      CHECK_FALSE(sockets[served]->ended());
    }
    for (const int crowded : {2, 3}) {
      CHECK(sockets[crowded]->read().starts_with("HTTP/1.1 "));
      CHECK(sockets[crowded]->ended());
    }
    for (SimSocket* socket : sockets) socket->shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
    CHECK(bench.admission().clients.clients() == 0);
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: who came above the share is welcome when others have left") {
  on_both({.per_client = 1}, [](Bench& bench) {
    Bench::next_peer = client(1);
    SimSocket& first = bench.connect();
    SimSocket& second = bench.connect();
    bench.run();
    first.shut_down_write();
    bench.run();
    second.write(get("/"));
    bench.run();
    CHECK(second.read().starts_with("HTTP/1.1 200 "));
    CHECK_FALSE(second.ended());
    // And stays so, whoever comes later.
    SimSocket& third = bench.connect();
    bench.run();
    second.write(get("/"));
    third.write(get("/"));
    bench.run();
    CHECK(second.read().starts_with("HTTP/1.1 200 "));
    CHECK(third.read().starts_with("HTTP/1.1 200 "));
    CHECK_FALSE(second.ended());
    CHECK(third.ended());
    Bench::next_peer = {};
  });
}

// ---- Rates -------------------------------------------------------------------------------------

constexpr Setup kTenASecond{.policy = {.outbox = {}, .message_rate = Rate(10)}};

TEST_CASE("ConnectionTable: more messages than the rate allows end in 1008") {
  on_both(kTenASecond, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(texts(peer, 10));
    bench.run();
    bench.pass(500ms);
    socket.write(texts(peer, 6) + peer.text("never seen"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages.size() == 15);  // what came before still goes out
    CHECK(peer.close_code == 1008);
    CHECK(peer.close_reason == "too many messages");
    CHECK(bench.handler.endings == std::vector{Ending::message_rate});
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: pings and pongs count as messages do") {
  for (const Opcode opcode : {Opcode::ping, Opcode::pong}) {
    on_both(kTenASecond, [opcode](Bench& bench) {
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      for (int i = 0; i < 10; ++i) socket.write(peer.frame(opcode, "x"));
      bench.run();
      bench.read(socket, peer);
      CHECK_FALSE(peer.close_code);
      socket.write(peer.frame(opcode, "x"));
      bench.run();
      bench.read(socket, peer);
      CHECK(peer.close_code == 1008);
    });
  }
}

TEST_CASE("ConnectionTable: the pong that was asked for does not count") {
  const Setup setup{.policy = {.outbox = {}, .message_rate = Rate(1), .ping_interval = 5s}};
  on_both(setup, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.pass(5100ms);
    bench.read(socket, peer);
    REQUIRE(peer.pings.size() == 1);
    socket.write(peer.text("x") + peer.frame(Opcode::pong, ""));
    bench.run();
    bench.read(socket, peer);
    CHECK_FALSE(peer.close_code);
    socket.write(peer.frame(Opcode::pong, ""));  // nobody asked for this one
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.close_code == 1008);
  });
}

// ---- Fragments and pings -----------------------------------------------------------------------

TEST_CASE("ConnectionTable: a message of more fragments than allowed ends in 1008") {
  on_both({.policy = {.outbox = {}, .message_fragments = 4}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    const auto storm = [&](int more, bool fin) {
      socket.write(peer.frame(Opcode::text, "a", false));
      for (int i = 0; i < more; ++i) socket.write(peer.frame(Opcode::continuation, "", false));
      if (fin) socket.write(peer.frame(Opcode::continuation, "z"));
      bench.run();
      bench.read(socket, peer);
    };
    storm(2, true);
    storm(2, true);
    CHECK(peer.messages.size() == 2);
    CHECK_FALSE(peer.close_code);
    storm(4, false);
    CHECK(peer.close_code == 1008);
    CHECK(bench.handler.endings == std::vector{Ending::message_fragments});
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: of a flood of pings the first few and the last are answered") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    constexpr int kPings = 500;
    std::string flood;
    for (int i = 0; i < kPings; ++i) flood += peer.ping(std::to_string(i));
    socket.write(flood + peer.text("after"));
    bench.run();
    bench.read(socket, peer);
    REQUIRE(peer.pongs.size() == 17);
    for (std::size_t i = 0; i < 16; ++i) CHECK(peer.pongs[i] == std::to_string(i));
    CHECK(peer.pongs.back() == std::to_string(kPings - 1));
    CHECK(peer.messages.size() == 1);
    socket.write(peer.ping("one by one") + peer.ping("again"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.pongs.size() == 19);
  });
}

TEST_CASE("ConnectionTable: many small frames are worked off a share a turn") {
  on_both({}, [](Bench& bench) {
    WsPeer busy(1);
    WsPeer other(2);
    SimSocket& flood = bench.open(busy);
    SimSocket& socket = bench.open(other);
    constexpr std::size_t kMessages = 5000;
    std::string burst;
    for (std::size_t i = 0; i < kMessages; ++i) burst += busy.text("");
    flood.write(burst);
    bench.turn();
    CHECK(bench.handler.messages.size() <= 1024);
    socket.write(other.text("me too"));
    for (int turns = 0; other.messages.empty(); ++turns) {
      REQUIRE(turns < 3);
      bench.turn();
      bench.read(socket, other);
    }
    CHECK(bench.handler.messages.size() < kMessages);
    bench.run();
    bench.read(flood, busy);
    CHECK(busy.messages.size() == kMessages);
  });
}

/// How many turns it takes until nothing is due any more.
int turns_of(Bench& bench) {
  int turns = 0;
  for (; bench.backend().busy() || bench.work_left() || turns == 0; ++turns) {
    REQUIRE(turns < 1000);
    bench.turn();
  }
  return turns;
}

TEST_CASE("ConnectionTable: fragments count as frames do, whatever they bring") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    constexpr int kFragments = 5000;
    std::string burst = peer.frame(Opcode::text, "a", false);
    for (int i = 0; i < kFragments; ++i) burst += peer.frame(Opcode::continuation, "", false);
    socket.write(burst + peer.frame(Opcode::continuation, "b"));
    CHECK(turns_of(bench) >= kFragments / 512);
    bench.read(socket, peer);
    CHECK(peer.messages == std::vector<Message>{{Opcode::text, "ab"}});
  });
}

TEST_CASE("ConnectionTable: chunks of a body count as frames do") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    constexpr int kChunks = 5000;
    std::string chunks;
    for (int i = 0; i < kChunks; ++i) chunks += "1\r\nx\r\n";
    socket.write(post_chunked("/body", chunks + "0\r\n\r\n"));
    CHECK(turns_of(bench) >= kChunks / 512);
    CHECK(count_of(socket.read(), "200 OK") == 1);
    REQUIRE(bench.handler.bodies.size() == 1);
    CHECK(bench.handler.bodies[0].text == std::string(kChunks, 'x'));
  });
}

TEST_CASE("ConnectionTable: of what comes in large pieces there is a share a turn") {
  Setup setup;
  setup.policy.outbox.queue_size = 4 << 20;
  on_both(setup, [](Bench& bench) {
    constexpr std::size_t kClients = 40;
    constexpr std::size_t kSize = 500'000;
    std::deque<WsPeer> peers;
    std::vector<SimSocket*> sockets;
    for (std::size_t i = 0; i < kClients; ++i)
      sockets.push_back(&bench.open(peers.emplace_back(i)));
    for (std::size_t i = 0; i < kClients; ++i)
      sockets[i]->write(peers[i].frame(Opcode::binary, std::string(kSize, 'x')));
    const auto received = [&] { return bench.table().counters().bytes_received; };
    for (int turns = 0; turns < 2; ++turns) bench.turn();  // the armed ones bring what they can
    for (int turns = 0; received() < kClients * kSize; ++turns) {
      REQUIRE(turns < 1000);
      const std::uint64_t before = received();
      bench.turn();
      CHECK(received() - before <= 2 * (256 << 10));
    }
    for (std::size_t i = 0; i < kClients; ++i) {
      for (int reads = 0; peers[i].messages.empty() && reads < 100; ++reads) {
        bench.run();
        bench.read(*sockets[i], peers[i]);
      }
      CHECK(peers[i].messages.size() == 1);
    }
  });
}

TEST_CASE("ConnectionTable: an answer goes out before what is published to a thousand others") {
  on_both({}, [](Bench& bench) {
    constexpr std::size_t kOthers = 1000;
    std::vector<SlotId> all;
    for (std::size_t i = 0; i < kOthers; ++i) {
      WsPeer peer;
      bench.open(peer);
      all.push_back(bench.handler.upgrading);
    }
    WsPeer asks;
    SimSocket& socket = bench.open(asks);
    all.push_back(bench.handler.upgrading);
    hub::Message* news = bench.memory().make_message(Opcode::text, as_bytes("news"));
    for (const SlotId id : all) {
      Connection& connection = *bench.table().find(id);
      connection.push_message(bench.memory(), news, connection.policy->outbox);
      bench.mark_due(connection);
    }
    bench.memory().release(news);
    socket.write(asks.text("and I?"));
    for (int turns = 0; asks.messages.size() < 2; ++turns) {
      REQUIRE(turns < 4);
      bench.turn();
      bench.read(socket, asks);
    }
    CHECK(bench.memory().segments.out() > kOthers / 2);  // the others still wait
    bench.run();
    CHECK(bench.memory().segments.out() == 0);
  });
}

/// How many of many deliveries go out in a turn in which somebody's message takes so long.
std::size_t deliveries_beside(Duration message) {
  FakeClock::reset();
  Bench bench({.habits = {.sends_at_once = true}});
  WsPeer asks;
  SimSocket& socket = bench.open(asks);
  std::vector<SimSocket*> others;
  hub::Message* news = bench.memory().make_message(Opcode::text, as_bytes("news"));
  for (int i = 0; i < 50; ++i) {
    WsPeer peer;
    others.push_back(&bench.open(peer));
    Connection& connection = *bench.table().find(bench.handler.upgrading);
    others.back()->read();
    connection.push_message(bench.memory(), news, connection.policy->outbox);
  }
  for (std::uint32_t slot = 0; slot < bench.table().slots(); ++slot)
    if (Connection* connection = bench.table().at(slot); connection && !connection->empty())
      bench.mark_due(*connection);
  bench.memory().release(news);
  bench.handler.message_takes = message;
  socket.write(asks.text("x"));
  bench.turn();
  CHECK(socket.unread() > 0);
  const auto served =
      std::ranges::count_if(others, [](SimSocket* other) { return other->unread() > 0; });
  bench.run();
  return static_cast<std::size_t>(served);
}

TEST_CASE("ConnectionTable: a turn that has been long has a smaller share for deliveries") {
  const std::size_t usual = deliveries_beside(1us);
  const std::size_t fewer = deliveries_beside(100us);
  CHECK(usual < 20);
  CHECK(fewer < usual);
  CHECK(fewer > 0);
}

// ---- Why it ended ------------------------------------------------------------------------------

TEST_CASE("ConnectionTable: the handler is told once why a connection ends") {
  struct Case {
    Ending ending;
    void (*act)(Bench& bench, SimSocket& socket, WsPeer& peer);
  };
  const Case cases[] = {
      {Ending::client, [](Bench&, SimSocket& s, WsPeer& p) { s.write(p.close(1000)); }},
      {Ending::lost, [](Bench&, SimSocket& s, WsPeer&) { s.reset(); }},
      {Ending::lost, [](Bench&, SimSocket& s, WsPeer&) { s.shut_down_write(); }},
      {Ending::server, [](Bench& bench, SimSocket&,
                          WsPeer&) { bench.table().close_all(ws::CloseCode::going_away, ""); }},
      {Ending::protocol_error,
       [](Bench&, SimSocket& s, WsPeer& p) { s.write(p.frame(Opcode::continuation, "x")); }},
      {Ending::protocol_error, [](Bench&, SimSocket& s, WsPeer& p) { s.write(p.text("\xff")); }},
      {Ending::message_size,
       [](Bench&, SimSocket& s, WsPeer& p) { s.write(p.text(std::string(101, 'x'))); }},
      {Ending::pong_timeout, [](Bench& bench, SimSocket&, WsPeer&) {
         bench.pass(5100ms);
         bench.pass(5100ms);
       }}};
  const Setup setup{
      .policy = {.outbox = {}, .message_size = 100, .ping_interval = 5s, .pong_timeout = 5s}};
  for (const Case& each : cases) {
    CAPTURE(static_cast<int>(each.ending));
    on_both(setup, [&each](Bench& bench) {
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      each.act(bench, socket, peer);
      bench.run();
      socket.shut_down_write();
      bench.pass(11s);
      CHECK(bench.handler.endings == std::vector{each.ending});
      CHECK(bench.handler.closes.size() == 1);
    });
  }
}

TEST_CASE("ConnectionTable: the handler is told why an HTTP connection ends") {
  const auto ending_after = [](std::string_view bytes, Duration then) {
    std::vector<Ending> endings;
    on_both({}, [&](Bench& bench) {
      SimSocket& socket = bench.connect();
      socket.write(bytes);
      bench.run();
      bench.pass(then);
      socket.shut_down_write();
      bench.run();
      endings = bench.handler.endings;
    });
    return endings;
  };
  CHECK(ending_after(get("/"), 0s) == std::vector{Ending::client});
  CHECK(ending_after(get("/", "Connection: close\r\n"), 0s) == std::vector{Ending::answered});
  CHECK(ending_after(get("/"), 11s) == std::vector{Ending::idle});
  CHECK(ending_after("GET / HT", 11s) == std::vector{Ending::handshake_timeout});
  CHECK(ending_after("", 11s) == std::vector{Ending::handshake_timeout});
  CHECK(ending_after("no HTTP\r\n\r\n", 0s) == std::vector{Ending::bad_request});
}

TEST_CASE("ConnectionTable: the handler is told what is wrong with a request that is refused") {
  const auto reason_after = [](std::string_view bytes) {
    std::string reason;
    on_both({}, [&](Bench& bench) {
      SimSocket& socket = bench.connect();
      socket.write(bytes);
      bench.run();
      const std::string answer = socket.read();
      reason = bench.handler.last_reason;
      CHECK(answer.ends_with(reason + '\n'));
    });
    return reason;
  };
  CHECK(reason_after("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") ==
        "there are several Host fields");
  CHECK(reason_after("GET / HTTP/3.0\r\nHost: a\r\n\r\n") != "");
}

}  // namespace
}  // namespace peal::conn::test
