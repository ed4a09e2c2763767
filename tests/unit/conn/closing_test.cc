// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;
using Close = ScriptHandler::Close;
using Closes = std::vector<Close>;
using Messages = std::vector<WsPeer::Message>;

TEST_CASE("ConnectionTable: the client closes, its code comes back, the server shuts down first") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.text("last") + peer.close(3000, "bye") + peer.text("too late"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages == Messages{{Opcode::text, "last"}});
    CHECK(peer.close_code == 3000);
    CHECK(socket.ended());
    CHECK_FALSE(socket.closed());
    socket.shut_down_write();
    bench.run();
    CHECK(socket.closed());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.handler.closes == Closes{{3000, true}});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a close frame without a code is answered by one without") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.frame(Opcode::close, ""));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.close_code == 1005);
  });
}

TEST_CASE("ConnectionTable: the server closes, and messages until the answer are not echoed") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.table().close_all(ws::CloseCode::going_away, "maintenance");
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.close_code == 1001);
    CHECK(peer.close_reason == "maintenance");
    CHECK_FALSE(socket.ended());
    socket.write(peer.text("crossing") + peer.ping("p") + peer.close(1001));
    bench.run();
    CHECK(socket.unread() == 0);
    CHECK(socket.ended());
    CHECK(bench.handler.messages.empty());
    socket.shut_down_write();
    bench.run();
    CHECK(socket.closed());
    CHECK(bench.handler.closes == Closes{{1001, false}});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: each failure is told by its code, after what came before it") {
  on_both({.policy = {.outbox = {}, .message_size = 1000}}, [](Bench& bench) {
    struct Case {
      std::string octets;
      std::uint16_t code;
    };
    WsPeer maker;
    const std::vector<Case> cases{
        {maker.frame(Opcode::text, "\xff"), 1007},
        {maker.frame(Opcode::binary, std::string(1001, 'x')), 1009},
        {maker.frame(Opcode::continuation, "x"), 1002},
        {maker.frame(Opcode::ping, "x", false), 1002},
        {std::string("\x81\x01x"), 1002},               // not masked
        {maker.frame(Opcode::close, "\x03\xed"), 1002}  // 1005 in a close frame
    };
    for (const Case& it : cases) {
      WsPeer peer;
      SimSocket& socket = bench.open(peer);
      socket.write(peer.text("before") + it.octets + peer.text("after"));
      bench.run();
      bench.read(socket, peer);
      CHECK(peer.messages == Messages{{Opcode::text, "before"}});
      CHECK(peer.close_code == it.code);
      CHECK(socket.ended());
      socket.shut_down_write();
      bench.run();
      CHECK(socket.closed());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a client that ends its side gets what it asked for, then our end") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 50;
    socket.write(peer.frame(Opcode::binary, std::string(5000, 'z')));
    socket.shut_down_write();
    bench.run();
    for (int i = 0; i < 1000 && !socket.ended(); ++i) {
      bench.read(socket, peer);
      bench.run();
    }
    CHECK(peer.messages == Messages{{Opcode::binary, std::string(5000, 'z')}});
    CHECK(socket.closed());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.handler.closes == Closes{{0, false}});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: input that waits is not lost when the client ends its side") {
  on_both({.policy = {.outbox = {.queue_size = 1000}}}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.window = 100;
    for (int i = 0; i < 100; ++i) socket.write(peer.text(std::string(100, 'm')));
    bench.run();
    socket.shut_down_write();
    for (int i = 0; i < 10'000 && !socket.ended(); ++i) {
      bench.run();
      bench.read(socket, peer);
    }
    CHECK(peer.messages.size() == 100);
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a reset is noticed and nothing is left") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    socket.write(peer.frame(Opcode::binary, "half", false));
    bench.run();
    socket.reset();
    bench.run();
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a send that fails ends the connection") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    bench.backend().habits.send_error = 1;
    socket.write(peer.text("x"));
    bench.run();
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: close_all() waits for a head that has begun, unless its client goes") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& open = bench.open(peer);
    SimSocket& head = bench.connect();
    head.write("GET / ");
    bench.run();
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.run();
    open.shut_down_write();
    head.shut_down_write();
    bench.run();
    CHECK(bench.table().size() == 0);
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: close_all ends connections in every phase") {
  on_both({}, [](Bench& bench) {
    WsPeer open_peer, later_peer, slow_peer;
    SimSocket& idle = bench.connect();
    SimSocket& open = bench.open(open_peer);
    SimSocket& later = bench.connect();
    later.write(later_peer.handshake("/later"));
    bench.run();
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.run();
    CHECK_FALSE(idle.ended());  // it has just come
    bench.pass(ConnectionTable::kMoment + 100ms);
    CHECK(idle.ended());
    bench.read(later, later_peer);
    CHECK(later_peer.status() == 101);
    CHECK(later_peer.close_code == 1001);
    bench.read(open, open_peer);
    CHECK(open_peer.close_code == 1001);
    idle.shut_down_write();
    open.write(open_peer.close(1001));
    open.shut_down_write();
    later.write(later_peer.close(1001));
    later.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: close_all() lets those ask who have just come, and no longer") {
  on_both({}, [](Bench& bench) {
    SimSocket& old = bench.connect();
    SimSocket& answered = bench.connect();
    answered.write("GET /before HTTP/1.1\r\nHost: a\r\n\r\n");
    bench.run();
    bench.pass(ConnectionTable::kMoment + 100ms);
    SimSocket& fresh = bench.connect();
    SimSocket& silent = bench.connect();
    bench.run();
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.pass(100ms);
    CHECK(old.ended());
    CHECK(answered.read().find("/before") != std::string::npos);
    CHECK(answered.ended());
    fresh.write("GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    bench.run();
    CHECK(fresh.read().find("/now") != std::string::npos);
    CHECK(fresh.ended());
    CHECK_FALSE(silent.ended());
    bench.pass(ConnectionTable::kMoment);
    CHECK(silent.ended());
    const auto& endings = bench.table().counters().endings;
    CHECK(endings[static_cast<std::size_t>(Ending::server)] == 3);
    CHECK(endings[static_cast<std::size_t>(Ending::handshake_timeout)] == 0);
    for (SimSocket* socket : {&old, &answered, &fresh, &silent}) socket->shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("close: before a WebSocket is open nothing stands between its answer and the close") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    socket.write(peer.handshake("/later"));
    bench.run();
    Connection& connection = *bench.table().find(bench.handler.upgrading);
    hub::Message* message = bench.memory().make_message(ws::Opcode::text, as_bytes("missed"));
    connection.push_message(bench.memory(), message, bench.handler.policy.outbox);
    bench.table().close(connection, static_cast<ws::CloseCode>(4000), "gap");
    CHECK_FALSE(connection.push_message(bench.memory(), message, bench.handler.policy.outbox));
    bench.memory().release(message);
    // What came with the handshake is heard: its close frame, too.
    socket.write(peer.text("unheard") + peer.close(1000));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.messages.empty());
    CHECK(peer.close_code == 4000);
    CHECK(socket.ended());
    CHECK(bench.handler.messages.empty());
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

}  // namespace
}  // namespace peal::conn::test
