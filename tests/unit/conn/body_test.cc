// SPDX-License-Identifier: Apache-2.0
// Bodies of requests, and the answers to them.
#include <random>

#include "tests/support/rounds.h"
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

using Bodies = std::vector<ScriptHandler::Body>;

std::string text_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 11 / 7 % 26);
  return text;
}

TEST_CASE("receive_body: what comes whole with its head is handed over where it lies") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(post("/body", "hello") + post("/body", "") + get("/next"));
    bench.run();
    CHECK(bench.handler.bodies == Bodies{{"hello", false}, {"", false}});
    const std::string answers = socket.read();
    CHECK(count_of(answers, "HTTP/1.1 200 ") == 3);
    CHECK(answers.find("hello\n") < answers.find("/next\n"));
    CHECK(bench.memory().blocks.bytes_out() == 0);
  });
}

TEST_CASE("receive_body: chunks that come whole are moved together where they lie") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(
        post_chunked("/body", "5\r\nhello\r\n1;x\r\n \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n") +
        get("/next"));
    bench.run();
    CHECK(bench.handler.bodies == Bodies{{"hello world", false}});
    CHECK(socket.read().ends_with("/next\n"));
  });
}

TEST_CASE("receive_body: a body in pieces gathers in a block that can become a message") {
  const std::string text = text_of(100'000);
  on_both({}, [&](Bench& bench) {
    SimSocket& socket = bench.connect();
    for (const std::string& request : {post("/body", "octet by octet"),
                                       post_chunked("/body", "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")})
      for (const char octet : request) {
        socket.write({&octet, 1});
        bench.run();
      }
    socket.write(post("/body", text) + get("/next"));
    bench.run();
    REQUIRE(bench.handler.bodies.size() == 3);
    CHECK(bench.handler.bodies[0] == ScriptHandler::Body{"octet by octet", true});
    CHECK(bench.handler.bodies[1] == ScriptHandler::Body{"abcdef", true});
    CHECK(bench.handler.bodies[2] == ScriptHandler::Body{text, true});
    std::string answers;
    while (socket.unread() > 0) {
      answers += socket.read();
      bench.run();
    }
    CHECK(answers.ends_with("/next\n"));
    CHECK(bench.memory().blocks.bytes_out() == 0);
  });
}

TEST_CASE("receive_body: memory grows with what has come, not with what is announced") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    bench.handler.body_limit = 1 << 30;
    socket.write("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n0123456789");
    bench.run();
    CHECK(bench.memory().blocks.bytes_out() <= 256);
    for (int i = 1; i <= 60; ++i) {
      socket.write(std::string(1000, 'x'));
      bench.run();
      CHECK(bench.memory().blocks.bytes_out() <= 4096 + 4000u * static_cast<unsigned>(i));
    }
    socket.reset();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("receive_body: what is too large is refused before it is read") {
  on_both({}, [](Bench& bench) {
    bench.handler.body_limit = 10;
    for (const std::string& request :
         {post("/body", "0123456789."), post("/body", "0123456789.", "Expect: 100-continue\r\n"),
          post_chunked("/body", "a\r\n0123456789\r\n1\r\n")}) {
      SimSocket& socket = bench.connect();
      socket.write(request + get("/never"));
      bench.run();
      CHECK(socket.read().starts_with("HTTP/1.1 413 "));
      CHECK(socket.ended());
      socket.shut_down_write();
      bench.run();
      CHECK(socket.closed());
    }
    CHECK(bench.handler.bodies.empty());
    CHECK(bench.handler.requests == std::vector<std::string>(3, "/body"));
    CHECK(bench.handler.endings == std::vector(3, Ending::bad_request));
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("receive_body: a malformed body is refused, and nothing after it is read") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(post_chunked("/body", "1\r\nx\r\n"));
    bench.run();
    socket.write("1\nx" + get("/never"));
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 400 "));
    CHECK(socket.ended());
    CHECK(bench.handler.bodies.empty());
    CHECK(bench.memory().blocks.bytes_out() == 0);
  });
}

TEST_CASE("receive_body: one that ends with its client's share of a turn is handed over") {
  for (int gets = 0; gets <= 17; ++gets) {
    for (int posts = 10; posts <= 30; ++posts) {
      CAPTURE(gets);
      CAPTURE(posts);
      Bench bench({});
      SimSocket& socket = bench.connect();
      std::string requests;
      for (int i = 0; i < gets; ++i) requests += get("/x");
      for (int i = 0; i < posts; ++i) requests += post("/body", "text");
      socket.write(requests);
      bench.run();
      REQUIRE(count_of(socket.read(), "200 OK") == static_cast<std::size_t>(gets + posts));
    }
  }
}

TEST_CASE("receive_body: a client that waits is told to go on, once") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    const std::string request = post("/body", "hello", "Expect: 100-continue\r\n");
    const std::size_t head = request.size() - 5;
    socket.write(request.substr(0, head));
    bench.run();
    CHECK(socket.read() == "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write(request.substr(head));
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 200 "));
    socket.write(request.substr(0, head + 1));  // has begun without being told
    bench.run();
    CHECK(socket.unread() == 0);
    socket.write(request.substr(head + 1) + request);
    bench.run();
    CHECK(count_of(socket.read(), "HTTP/1.1 ") == 2);
    socket.write(post("/body", "", "Expect: 100-continue\r\n"));
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 200 "));
  });
}

TEST_CASE("receive_body: a body that is late is answered with 408") {
  on_both({.limits = {.handshake_timeout = 10s, .body_timeout = 30s}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    const std::string request = post("/body", "hello");
    socket.write(request.substr(0, request.size() - 4));
    bench.run();
    bench.pass(29'900ms);
    socket.write("ell");
    bench.run();
    CHECK(socket.unread() == 0);
    bench.pass(200ms);
    CHECK(socket.read().starts_with("HTTP/1.1 408 "));
    CHECK(socket.ended());
    CHECK(bench.memory().blocks.bytes_out() == 0);
    CHECK(bench.handler.endings == std::vector{Ending::handshake_timeout});
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("receive_body: a client that has ended its side is answered") {
  on_both({}, [](Bench& bench) {
    for (const auto* path : {"/body", "/body/later"}) {
      SimSocket& socket = bench.connect();
      socket.write(post(path, "hello"));
      socket.shut_down_write();
      bench.run();
      if (path != std::string_view("/body")) {
        CHECK(socket.unread() == 0);
        CHECK_FALSE(socket.closed());
        bench.handler.answer("hello");
        bench.run();
      }
      CHECK(socket.read().ends_with("hello\n"));
      CHECK(socket.closed());
      CHECK_FALSE(socket.was_reset());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("receive_body: a body that ends too soon is refused") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    const std::string request = post("/body", "hello");
    socket.write(request.substr(0, request.size() - 1));
    socket.shut_down_write();
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 400 "));
    CHECK(socket.closed());
    CHECK(bench.handler.bodies.empty());
    CHECK(bench.handler.endings == std::vector{Ending::lost});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE(
    "receive_body: an end of everything waits for the body, and gives it back if it is lost") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    SimSocket& lost = bench.connect();
    const std::string request = post("/body", "hello");
    socket.write(request.substr(0, request.size() - 1));
    lost.write(request.substr(0, request.size() - 1));
    bench.run();
    bench.table().close_all(ws::CloseCode::going_away, "");
    lost.reset();
    bench.run();
    CHECK_FALSE(socket.ended());
    CHECK(lost.closed());
    socket.write("o");
    bench.run();
    CHECK(socket.read().ends_with("hello\n"));
    bench.table().terminate_all();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("Connection: a client that keeps it costs one exchange, a WebSocket none") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    WsPeer peer;
    for (int i = 0; i < 10; ++i) socket.write(post("/body", "hello"));
    bench.run();
    socket.read();
    CHECK(bench.handler.exchanges == 1);
    CHECK(bench.table().find(bench.handler.owed)->exchange);
    socket.write(peer.handshake("/echo"));
    bench.run();
    bench.read(socket, peer);
    CHECK(peer.status() == 101);
    CHECK_FALSE(bench.table().find(bench.handler.owed)->exchange);
    bench.table().terminate_all();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

/// Requests of all kinds, one after the other, and what comes of them.
struct Script {
  std::string octets;
  Bodies bodies;
};

Script random_script(std::mt19937_64& random) {
  Script script;
  for (auto count = 1 + random() % 12; count > 0; --count) {
    constexpr std::size_t kSizes[] = {0, 1, 100, 16'384, 40'000};
    const std::string body = text_of(random() % (kSizes[random() % std::size(kSizes)] + 1));
    const auto* path = random() % 3 == 0 ? "/body/later" : "/body";
    switch (random() % 3) {
      case 0:
        script.octets += get("/plain");
        continue;
      case 1:
        script.octets += post(path, body);
        break;
      default: {
        std::string chunks;
        for (std::size_t at = 0; at < body.size();) {
          const std::size_t size = std::min(body.size() - at, 1 + random() % 20'000);
          std::array<char, 20> line{};
          std::snprintf(line.data(), line.size(), "%zx\r\n", size);
          chunks += line.data() + body.substr(at, size) + "\r\n";
          at += size;
        }
        script.octets += post_chunked(path, chunks + "0\r\n\r\n");
      }
    }
    script.bodies.push_back({body, false});
  }
  return script;
}

TEST_CASE("receive_body: however a kernel cuts it, all bodies come, in order, and are answered") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (std::uint64_t round = 0; round < peal::test::rounds(300); ++round) {
    const sim::Habits habits{.sends_at_once = round % 2 == 0,
                             .late = 0.2,
                             .cut = round % 3 == 0 ? 0.9 : 0.2,
                             .unarm = 0.1,
                             .starve = 0.1,
                             .short_send = 0.2};
    FakeClock::reset();
    Bench bench({.habits = habits, .seed = random()});
    const Script script = random_script(random);
    SimSocket& socket = bench.connect();
    socket.write(script.octets);
    if (random() % 2 == 0) socket.shut_down_write();
    std::string answers;
    const auto go_on = [&] {
      for (int i = 0; i < 50; ++i) bench.turn();
      answers += socket.read();
      Connection* connection = bench.table().find(bench.handler.owed);
      if (connection && connection->state.phase == Phase::answering) bench.handler.answer("later");
    };
    const Bodies& bodies = bench.handler.bodies;
    for (int i = 0; i < 10'000 && bodies.size() < script.bodies.size(); ++i) go_on();
    for (int i = 0; i < 10; ++i) go_on();
    REQUIRE(bodies.size() == script.bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) CHECK(bodies[i].text == script.bodies[i].text);
    CHECK(count_of(answers, "HTTP/1.1 200 ") == bench.handler.requests.size());
    bench.table().terminate_all();
    bench.run();
    CHECK(bench.all_given_back());
  }
}

}  // namespace
}  // namespace peal::conn::test
