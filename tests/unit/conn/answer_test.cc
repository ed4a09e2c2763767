// SPDX-License-Identifier: Apache-2.0
// Answers that come later than their requests.
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

TEST_CASE("answer_later: requests behind an answer that is owed wait for it") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(post("/body/later", "a") + get("/owed") + get("/next"));
    bench.run();
    CHECK(bench.handler.requests.size() == 1);
    CHECK(socket.unread() == 0);
    bench.handler.answer("first");
    bench.run();
    CHECK(bench.handler.requests.size() == 2);
    CHECK(socket.read().ends_with("first\n"));
    for (int i = 0; i < 50; ++i) socket.write(get("/more"));
    bench.run();
    CHECK(bench.handler.requests.size() == 2);
    bench.handler.answer("second");
    bench.run();
    CHECK(bench.handler.requests.size() == 53);
    const std::string answers = socket.read();
    CHECK(answers.find("second\n") < answers.find("/next\n"));
    CHECK(count_of(answers, "/more\n") == 50);
    CHECK(bench.handler.exchanges == 1);
  });
}

TEST_CASE("answer_later: a client that goes on sending is not listened to") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/owed"));
    bench.run();
    for (int i = 0; i < 100; ++i) {
      socket.write(std::string(10'000, 'x'));
      bench.run();
    }
    CHECK(socket.unreceived() > 800'000);
    CHECK(bench.memory().blocks.bytes_out() < 200'000);
    bench.handler.answer("late");
    bench.run();
    const std::string answers = socket.read();
    CHECK(answers.find("late\n") < answers.find("HTTP/1.1 501 "));
  });
}

TEST_CASE("answer_later: at the deadline the answer is due") {
  on_both({}, [](Bench& bench) {
    for (const auto* path : {"/owed", "/poll"}) {
      bench.handler.dues = 0;
      SimSocket& socket = bench.connect();
      socket.write(get(path) + get("/next"));
      bench.run();
      bench.pass(24'900ms);
      CHECK(bench.handler.dues == 0);
      bench.pass(200ms);
      CHECK(bench.handler.dues == 1);
      const std::string answers = socket.read();
      CHECK(answers.find("due\n") < answers.find("/next\n"));
      CHECK_FALSE(socket.ended());
    }
  });
}

TEST_CASE("answer_later: who is not even then answered is broken off") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    bench.handler.answers_when_due = false;
    SimSocket& owed = bench.connect();
    SimSocket& with_body = bench.connect();
    owed.write(get("/owed"));
    with_body.write(post("/body/later", "x"));
    bench.run();
    bench.pass(10'100ms);  // the handler has said nothing of a deadline
    CHECK(with_body.was_reset());
    CHECK_FALSE(owed.closed());
    bench.pass(15s);
    CHECK(owed.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("answer_later: a client that has ended its side is answered") {
  on_both({}, [](Bench& bench) {
    for (const bool closes : {false, true}) {
      SimSocket& socket = bench.connect();
      socket.write(get("/owed", closes ? "Connection: close\r\n" : ""));
      socket.shut_down_write();
      bench.run();
      CHECK_FALSE(socket.closed());
      bench.handler.answer("late");
      bench.run();
      CHECK(socket.read().ends_with("late\n"));
      CHECK(socket.closed());
      CHECK_FALSE(socket.was_reset());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("answer_later: a client that may give up has done so when it ends its side") {
  on_both({}, [](Bench& bench) {
    for (const bool asked_before : {false, true}) {
      SimSocket& socket = bench.connect();
      socket.write((asked_before ? get("/first") : "") + get("/poll"));
      socket.shut_down_write();
      bench.run();
      CHECK(socket.closed());
      CHECK_FALSE(socket.was_reset());
      CHECK(count_of(socket.read(), "/first\n") == asked_before);
    }
    CHECK(bench.handler.endings == std::vector(2, Ending::client));
    CHECK(bench.handler.dues == 0);
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("answer_later: one that may give up is noticed behind what it has asked next") {
  on_both({}, [](Bench& bench) {
    for (const bool resets : {false, true}) {
      bench.handler.requests.clear();
      SimSocket& socket = bench.connect();
      socket.write(get("/poll") + get("/next"));
      bench.run();
      for (int i = 0; i < 20; ++i) {
        socket.write(get("/more"));
        bench.run();
      }
      CHECK(bench.handler.requests.size() == 1);
      if (resets)
        socket.reset();
      else
        socket.shut_down_write();
      bench.run();
      CHECK(socket.closed());
      CHECK(socket.read().empty());
    }
    CHECK(bench.handler.dues == 0);
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("answer_later: of one that may give up and goes on sending, so much is kept") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/poll"));
    bench.run();
    for (int i = 0; i < 2000; ++i) {
      socket.write(get("/more"));
      if (i % 100 == 0) bench.run();
    }
    bench.run();
    CHECK(socket.unreceived() > 0);
    CHECK(bench.memory().blocks.bytes_out() < 100'000);
    bench.handler.answer("late");
    std::string answers;
    for (int i = 0; i < 1000 && count_of(answers, "/more\n") < 2000; ++i) {
      bench.run();
      answers += socket.read();
    }
    CHECK(bench.handler.requests.size() == 2001);
    CHECK(count_of(answers, "/more\n") == 2000);
  });
}

TEST_CASE("answer_later: a client that is lost takes its exchange with it") {
  on_both({}, [](Bench& bench) {
    for (const auto* path : {"/owed", "/poll", "/body/later"}) {
      SimSocket& socket = bench.connect();
      socket.write(get(path));
      bench.run();
      socket.reset();
      bench.run();
      CHECK(socket.closed());
    }
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("close_all: a client that may give up is answered at once, others when it is time") {
  on_both({}, [](Bench& bench) {
    SimSocket& poll = bench.connect();
    SimSocket& owed = bench.connect();
    poll.write(get("/poll", "Connection: close\r\n"));
    bench.run();
    owed.write(get("/owed", "Connection: close\r\n"));
    bench.run();
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.run();
    CHECK(poll.read().ends_with("due\n"));
    CHECK(poll.ended());
    CHECK(owed.unread() == 0);
    bench.handler.answer("late");
    bench.run();
    CHECK(owed.read().ends_with("late\n"));
    CHECK(owed.ended());
  });
}

TEST_CASE("respond: an answer to a connection that has begun to end is not heard") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/owed", "Connection: close\r\n"));
    bench.run();
    bench.handler.answer("once");
    bench.handler.answer("twice");
    bench.run();
    CHECK(socket.read().ends_with("once\n"));
    CHECK(socket.ended());
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("respond: a client that pipelines owed answers without reading is not listened to") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.window = 100;
    constexpr std::size_t kCount = 300;
    for (std::size_t i = 0; i < kCount; ++i) socket.write(get("/owed"));
    const std::string text(1000, 'x');
    std::size_t answered = 0;
    const auto answer = [&] {
      bench.run();
      Connection* connection = bench.table().find(bench.handler.owed);
      if (!connection || connection->state.phase != Phase::answering) return false;
      bench.handler.answer(text);
      ++answered;
      return true;
    };
    while (answer()) {
    }
    CHECK(answered < 100);
    socket.window = 10'000;
    std::string answers;
    for (int i = 0; i < 10'000 && answered < kCount; ++i) {
      answers += socket.read();
      answer();
    }
    for (bench.run(); socket.unread() > 0; bench.run()) answers += socket.read();
    CHECK(count_of(answers, "HTTP/1.1 200 ") == kCount);
  });
}

TEST_CASE("answer_later: what comes by topics waits for the answer") {
  on_both({}, [](Bench& bench) {
    SimSocket& socket = bench.connect();
    socket.write(get("/first") + get("/poll"));
    bench.run();
    hub::TopicUse use{};
    Connection& connection = *bench.table().find(bench.handler.owed);
    connection.topics = &use;
    hub::Message* message = bench.memory().make_raw_message(as_bytes("news"));
    connection.push_message(bench.memory(), message, {});
    bench.memory().release(message);
    bench.mark_due(connection);
    bench.run();
    CHECK(bench.handler.topics_due == 1);
    CHECK(socket.read().ends_with("/first\n"));
    connection.topics = nullptr;
    bench.handler.answer("after it");
    bench.run();
    const std::string answer = socket.read();
    CHECK(answer.starts_with("newsHTTP/1.1 200 "));
    CHECK(answer.ends_with("after it\n"));
  });
}

}  // namespace
}  // namespace peal::conn::test
