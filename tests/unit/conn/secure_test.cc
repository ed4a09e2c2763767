// SPDX-License-Identifier: Apache-2.0
// Connections on a listener with certificates.
#include <random>
#include <utility>

#include "tests/support/certificates.h"
#include "tests/support/tls_peer.h"
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using ws::Opcode;
using State = TlsPeer::State;
using Messages = std::vector<WsPeer::Message>;

const tls::Context& server_context() {
  static const TemporaryFolder folder;
  static tls::TicketKeys keys;
  static const auto context = [] {
    tls::ServerOptions options;
    options.certificates.push_back(folder.write("site", make_certificate({})));
    return tls::Context::make_server(options, keys).value();
  }();
  return *context;
}

const tls::Context& client_context() {
  static const auto context = [] {
    tls::ClientOptions options;
    options.insecure = true;
    return tls::Context::make_client(options).value();
  }();
  return *context;
}

/// A client of a Bench, with the octets between them moved by hand.
class SecureClient {
 public:
  explicit SecureClient(Bench& bench)
      : socket(bench.connect()), tls(client_context()), bench_(bench) {}

  /// Moves octets both ways until neither side has any more to say; to the server in pieces of
  /// `piece` octets, with a turn for each.
  void run(std::size_t piece = std::string::npos) {
    std::string octets = tls.take_output();
    for (bool moved = true; moved; moved = moved || !octets.empty()) {
      for (; !octets.empty(); octets.erase(0, piece)) {
        socket.write(octets.substr(0, piece));
        bench_.run();
      }
      bench_.run();
      moved = socket.unread() > 0;
      tls.take(socket.read());
      octets = tls.take_output();
    }
    ws.take(std::exchange(tls.received, {}));
  }

  void open(std::string_view target = "/echo", std::size_t piece = std::string::npos) {
    run(piece);
    REQUIRE(tls.state() == State::open);
    tls.write(ws.handshake(target));
    run(piece);
    REQUIRE(ws.status() == 101);
  }

  SimSocket& socket;
  TlsPeer tls;
  WsPeer ws;

 private:
  Bench& bench_;
};

Setup with_tls(sim::Habits habits = {}) {
  return {.habits = habits, .certificates = &server_context()};
}

TEST_CASE("ConnectionTable: a WebSocket over TLS echoes, in whatever pieces the octets come") {
  for (const std::size_t piece : {std::string::npos, std::size_t{1}, std::size_t{700}}) {
    CAPTURE(piece);
    on_both(with_tls(), [&](Bench& bench) {
      SecureClient client(bench);
      client.open("/echo", piece);
      client.tls.write(client.ws.text("one") + client.ws.ping("p"));
      client.tls.write(client.ws.frame(Opcode::binary, std::string(5000, 'b')));
      client.run(piece);
      CHECK(client.ws.messages ==
            Messages{{Opcode::text, "one"}, {Opcode::binary, std::string(5000, 'b')}});
      CHECK(client.ws.pongs == std::vector<std::string>{"p"});
      CHECK(client.ws.error == "");
    });
  }
}

TEST_CASE("ConnectionTable: messages above a record and above a send go over TLS whole") {
  Setup setup = with_tls({.short_send = 0.5});
  setup.policy = {.outbox = {.queue_size = 4 << 20}, .message_size = 1 << 20};
  on_both(setup, [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    const std::string large(600'000, 'L');
    client.tls.write(client.ws.frame(Opcode::binary, large) + client.ws.text("after"));
    client.run();
    CHECK(client.ws.messages == Messages{{Opcode::binary, large}, {Opcode::text, "after"}});
  });
}

TEST_CASE("ConnectionTable: a kernel with every bad habit changes nothing in what TLS carries") {
  const sim::Habits habits{.late = 0.3, .cut = 0.5, .unarm = 0.3, .starve = 0.2, .short_send = 0.5};
  on_both(with_tls(habits), [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    std::mt19937_64 random(7);
    Messages sent;
    for (int i = 0; i < 100; ++i) {
      sent.push_back(
          {Opcode::binary, std::string(random() % 3000, static_cast<char>('a' + i % 26))});
      client.tls.write(client.ws.frame(Opcode::binary, sent.back().payload));
      if (i % 5 == 0) client.run(1 + random() % 2000);
    }
    client.run();
    CHECK(client.ws.messages == sent);
  });
}

TEST_CASE("ConnectionTable: many small records are decrypted a share a turn") {
  for (const bool ends : {false, true}) {
    CAPTURE(ends);
    on_both(with_tls(), [&](Bench& bench) {
      SecureClient client(bench);
      client.open();
      const std::string message = client.ws.text(std::string(1500, 'x'));
      for (const char octet : message) client.tls.write(std::string(1, octet));
      client.tls.write(client.ws.text("and this"));
      client.socket.write(client.tls.take_output());
      if (ends) client.socket.shut_down_write();
      int turns = 0;
      for (; bench.backend().busy() || bench.work_left() || turns == 0; ++turns) {
        REQUIRE(turns < 1000);
        bench.turn();
      }
      CHECK(turns > 10);
      client.run();
      CHECK(client.ws.messages ==
            Messages{{Opcode::text, std::string(1500, 'x')}, {Opcode::text, "and this"}});
    });
  }
}

TEST_CASE("ConnectionTable: heads of requests in more records than a share are read to their end") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const bool ends = seed % 2 == 0;  // which may show while records wait, or after that
    Setup setup = with_tls();
    setup.seed = seed;
    on_both(setup, [&](Bench& bench) {
      SecureClient client(bench);
      client.run();
      std::string requests = post_chunked("/body", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
      for (const char* path : {"/two", "/three"})
        requests += get(path, "X: " + std::string(300, 'x') + "\r\n");
      for (const char octet : requests) client.tls.write(std::string(1, octet));
      client.socket.write(client.tls.take_output());
      if (ends) client.socket.shut_down_write();
      bench.run();
      client.tls.take(client.socket.read());
      CHECK(bench.handler.requests == std::vector<std::string>{"/body", "/two", "/three"});
      CHECK(client.tls.received.ends_with("/three\n"));
      CHECK(client.socket.closed() == ends);
    });
  }
}

TEST_CASE("ConnectionTable: who ends while records wait is given up, and its answers are sent") {
  on_both(with_tls(), [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    client.tls.write(client.ws.text("before") + client.ws.close(1000));
    for (int i = 0; i < 2000; ++i) client.tls.write("x");
    client.socket.write(client.tls.take_output());
    bench.run();
    client.run();
    CHECK(client.ws.messages == Messages{{Opcode::text, "before"}});
    CHECK(client.ws.close_code == 1000);
    client.socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a file goes over TLS") {
  on_both(with_tls(), [](Bench& bench) {
    const TemporaryFolder folder;
    const std::string content(300'000, 'f');
    bench.handler.file = folder.write("file", content);
    bench.handler.file_size = content.size();
    SecureClient client(bench);
    client.run();
    client.tls.write(get("/file"));
    std::string answer;
    for (int i = 0; i < 100 && answer.size() < content.size(); ++i) {
      client.socket.write(client.tls.take_output());
      bench.run();
      client.tls.take(client.socket.read());
      answer += std::exchange(client.tls.received, {});
    }
    CHECK(answer.ends_with(content));
  });
}

TEST_CASE("ConnectionTable: close_notify goes both ways at the end (RFC 8446 section 6.1)") {
  on_both(with_tls(), [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    client.tls.write(client.ws.close(1000));
    client.run();
    CHECK(client.ws.close_code == 1000);
    CHECK(client.tls.state() == State::ended);
    CHECK(client.socket.ended());
    CHECK_FALSE(client.socket.closed());
    client.tls.shut_down();
    client.run();
    CHECK(client.socket.closed());
    CHECK_FALSE(client.socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a client that ends by close_notify gets what it asked for, and ours") {
  on_both(with_tls(), [](Bench& bench) {
    SecureClient client(bench);
    client.run();
    client.tls.write(get("/asked"));
    client.tls.shut_down();
    client.socket.write(client.tls.take_output());
    bench.run();
    client.tls.take(client.socket.read());
    CHECK(client.tls.received.ends_with("/asked\n"));
    CHECK(client.tls.state() == State::ended);
    CHECK(client.socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a stream that is cut off without close_notify ends the connection") {
  on_both(with_tls(), [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    client.socket.shut_down_write();
    client.run();
    CHECK(client.socket.closed());
    CHECK(bench.handler.closes.size() == 1);
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: garbage gets an alert and the end, at any time") {
  for (const bool after_handshake : {false, true}) {
    CAPTURE(after_handshake);
    on_both(with_tls(), [&](Bench& bench) {
      SecureClient client(bench);
      if (after_handshake) client.open();
      client.socket.write(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, '\x55'));
      bench.run();
      CHECK(client.socket.unread() > 0);
      client.socket.read();
      CHECK(client.socket.ended());
      CHECK(bench.handler.last_reason ==
            (after_handshake ? "bad record mac" : "not a record of a handshake"));
      client.socket.shut_down_write();
      bench.run();
      CHECK(client.socket.closed());
      CHECK(bench.all_given_back());
    });
  }
}

TEST_CASE("ConnectionTable: plain HTTP on a TLS port is told so") {
  on_both(with_tls(), [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/"));
    bench.run();
    const std::string answer = socket.read();
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    CHECK(answer.find("TLS") != std::string::npos);
    CHECK(socket.ended());
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: the time for the first request includes the TLS handshake") {
  Setup setup = with_tls();
  setup.limits.handshake_timeout = 10s;
  on_both(setup, [](Bench& bench) {
    SecureClient silent(bench);
    SecureClient halfway(bench);
    SecureClient slow(bench);
    halfway.socket.write(halfway.tls.take_output().substr(0, 100));
    bench.run();
    bench.pass(6s);
    slow.run();
    CHECK(slow.tls.state() == State::open);
    bench.pass(5s);
    CHECK(silent.socket.closed());
    CHECK(halfway.socket.closed());
    slow.run();
    CHECK(slow.socket.ended());
  });
}

TEST_CASE("ConnectionTable: a client that idles between requests gets close_notify as well") {
  Setup setup = with_tls();
  setup.limits.handshake_timeout = 10s;
  on_both(setup, [](Bench& bench) {
    SecureClient client(bench);
    client.run();
    CHECK(client.tls.state() == State::open);
    bench.pass(11s);
    client.run();
    CHECK(client.tls.state() == State::ended);
    CHECK(client.socket.ended());
  });
}

TEST_CASE("ConnectionTable: a client that breaks off in any phase leaves nothing") {
  const sim::Habits habits{.late = 0.2, .short_send = 0.3};
  on_both(with_tls(habits), [](Bench& bench) {
    for (int moment = 0; moment < 6; ++moment) {
      SecureClient client(bench);
      if (moment == 1) client.socket.write(client.tls.take_output().substr(0, 60));
      if (moment >= 2) client.run();
      if (moment >= 3) {
        client.tls.write(client.ws.handshake("/echo"));
        client.socket.write(client.tls.take_output());
      }
      if (moment >= 4) client.run();
      if (moment >= 5) {
        client.socket.window = 0;
        client.tls.write(client.ws.frame(Opcode::binary, std::string(100'000, 'x')));
        client.socket.write(client.tls.take_output());
      }
      bench.turn();
      client.socket.reset();
      bench.run();
      CHECK(client.socket.closed());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a client that never reads is held to its queue over TLS as well") {
  Setup setup = with_tls();
  setup.policy = {.outbox = {.queue_size = 64 << 10}, .message_size = 32 << 10};
  on_both(setup, [](Bench& bench) {
    SecureClient client(bench);
    client.open();
    client.socket.window = 0;
    for (int i = 0; i < 100; ++i)
      client.tls.write(client.ws.frame(Opcode::binary, std::string(30'000, 'q')));
    client.socket.write(client.tls.take_output());
    bench.run();
    CHECK(bench.memory().blocks.bytes_out() < 400 << 10);
    client.socket.window = std::string::npos;
    client.run();
    CHECK(client.ws.messages.size() == 100);
  });
}

}  // namespace
}  // namespace peal::conn::test
