// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

TEST_CASE("ConnectionTable: a head that arrives octet by octet is answered") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    for (const char octet : get("/slow", "X-Some: thing\r\n")) {
      CHECK(socket.unread() == 0);
      socket.write({&octet, 1});
      bench.run();
    }
    CHECK(bench.handler.requests == std::vector<std::string>{"/slow"});
    CHECK(socket.read().ends_with("/slow\n"));
    CHECK(bench.memory().blocks.bytes_out() == 0);
  });
}

TEST_CASE("ConnectionTable: requests on one connection are answered in order") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/a") + get("/b"));
    bench.run();
    socket.write(get("/c"));
    bench.run();
    const std::string answers = socket.read();
    CHECK(bench.handler.requests == std::vector<std::string>{"/a", "/b", "/c"});
    CHECK(answers.find("/a\n") < answers.find("/b\n"));
    CHECK(answers.find("/b\n") < answers.find("/c\n"));
    CHECK_FALSE(socket.ended());
    socket.shut_down_write();
    bench.run();
    CHECK(socket.closed());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: Connection: close ends it after the answer") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/a", "Connection: close\r\n") + get("/never"));
    bench.run();
    CHECK(bench.handler.requests == std::vector<std::string>{"/a"});
    CHECK(socket.read().ends_with("/a\n"));
    CHECK(socket.ended());
    CHECK_FALSE(socket.closed());  // the client has not ended its side
    socket.shut_down_write();
    bench.run();
    CHECK(socket.closed());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a malformed request is refused, and nothing after it is read") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write("GET / HTTP/1.1\nHost: a\n\n" + get("/never"));
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 400 "));
    CHECK(socket.ended());
    CHECK(bench.handler.requests.empty());
  });
}

TEST_CASE("ConnectionTable: a head above header_size is refused") {
  on_both({.limits = {.header_size = 256}}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/", "X-Long: " + std::string(300, 'x')));
    bench.run();
    CHECK(socket.read().starts_with("HTTP/1.1 431 "));
    CHECK(socket.ended());
  });
}

TEST_CASE("ConnectionTable: a request that is half there when the client ends is forgotten") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write("GET / HT");
    bench.run();
    socket.shut_down_write();
    bench.run();
    CHECK(socket.read().empty());
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: what a client asked for before it ended its side is answered") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/a") + get("/b"));
    socket.shut_down_write();
    bench.run();
    CHECK(count_of(socket.read(), "HTTP/1.1 200 ") == 2);
    CHECK(socket.closed());
    CHECK_FALSE(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a client that pipelines without reading is not listened to") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 100;
    std::string requests;
    constexpr std::size_t kCount = 3000;
    for (std::size_t i = 0; i < kCount; ++i) requests += get("/x");
    socket.write(requests);
    bench.run();
    CHECK(bench.handler.requests.size() < 1000);
    CHECK(socket.unreceived() > 0);
    std::string answers;
    for (int i = 0; i < 100'000 && bench.handler.requests.size() < kCount; ++i) {
      socket.window = 10'000;
      answers += socket.read();
      bench.run();
    }
    while (socket.unread() > 0) {
      answers += socket.read();
      bench.run();
    }
    CHECK(bench.handler.requests.size() == kCount);
    CHECK(count_of(answers, "HTTP/1.1 200 ") == kCount);
  });
}

TEST_CASE("ConnectionTable: it knows who came when there were too many, and when some have left") {
  on_both({.most_connections = 2}, [](Bench& bench) {
    SimSocket& first = bench.connect();
    SimSocket& second = bench.connect();
    bench.connect();
    bench.run();
    const auto over_limit = [&](std::uint32_t index) {
      return bench.table().over_limit(*bench.table().at(index));
    };
    CHECK_FALSE(over_limit(0));  // they were there before
    CHECK_FALSE(over_limit(1));
    CHECK(over_limit(2));
    first.reset();
    second.shut_down_write();
    bench.run();
    CHECK_FALSE(over_limit(2));
    CHECK(bench.table().size() == 1);
    bench.connect();
    bench.connect();
    bench.run();
    CHECK_FALSE(over_limit(2));  // it has a place now
  });
}

TEST_CASE("ConnectionTable: a reset while an answer waits ends the connection at once") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 10;
    socket.write(get("/a"));
    bench.run();
    socket.reset();
    bench.run();
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

}  // namespace
}  // namespace peal::conn::test
