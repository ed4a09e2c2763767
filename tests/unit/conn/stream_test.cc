// SPDX-License-Identifier: Apache-2.0
// Responses without an end of their own.
#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

/// A stream that has begun.
class Stream {
 public:
  explicit Stream(Bench& bench, std::string_view path = "/stream")
      : bench_(bench), socket(bench.connect()) {
    socket.write(get(path));
    bench.run();
    id = bench.handler.upgrading;
    if (path == "/stream") REQUIRE(socket.read().starts_with("HTTP/1.1 200 "));
  }

  Connection* find() { return bench_.table().find(id); }

  bool push(std::string_view text) {
    hub::Memory& memory = bench_.memory();
    hub::Message* message = memory.make_raw_message(as_bytes(text));
    const bool taken = find()->push_message(memory, message, bench_.handler.policy.outbox);
    memory.release(message);
    bench_.mark_due(*find());
    return taken;
  }

 private:
  Bench& bench_;

 public:
  SimSocket& socket;
  SlotId id;
};

constexpr Setup kLively{.policy = {.outbox = {}, .ping_interval = 25s, .pong_timeout = 15s}};

TEST_CASE("stream: the head waits for the topics, what is pushed follows it") {
  on_both({}, [](Bench& bench) {
    Stream stream(bench, "/stream/later");
    stream.push("data: 1\n\n");
    bench.run();
    CHECK(stream.socket.unread() == 0);
    bench.table().topics_ready(*stream.find());
    bench.run();
    stream.push("data: 2\n\n");
    bench.run();
    const std::string all = stream.socket.read();
    CHECK(all.starts_with("HTTP/1.1 200 "));
    CHECK(all.ends_with("data: 1\n\ndata: 2\n\n"));
    CHECK(stream.find()->state.phase == Phase::streaming);
    CHECK_FALSE(stream.find()->exchange);
  });
}

TEST_CASE("stream: topics that do not get ready in time end it") {
  on_both({.limits = {.handshake_timeout = 10s}}, [](Bench& bench) {
    Stream stream(bench, "/stream/later");
    bench.pass(10'100ms);
    CHECK(stream.socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: what its client says is thrown away") {
  on_both({}, [](Bench& bench) {
    Stream stream(bench, "/stream/later");
    stream.socket.write(get("/never") + std::string(50'000, 'x'));
    bench.run();
    bench.table().topics_ready(*stream.find());
    bench.run();
    stream.socket.write(get("/never") + std::string(500'000, 'x'));
    bench.run();
    CHECK(stream.socket.unreceived() == 0);
    CHECK(bench.handler.requests.size() == 1);
    CHECK(bench.memory().blocks.bytes_out() == 0);
    stream.push("data: 1\n\n");
    bench.run();
    CHECK(stream.socket.read().ends_with("data: 1\n\n"));
  });
}

TEST_CASE("end_stream: what is queued goes out, then the last words, then the end") {
  on_both({}, [](Bench& bench) {
    Stream stream(bench);
    stream.socket.window = 5;
    stream.push("data: 1\n\n");
    Block* last = bench.memory().blocks.take(5);
    std::memcpy(last->data(), "bye\n\n", 5);
    bench.table().end_stream(*stream.find(), last, 5);
    CHECK_FALSE(stream.push("data: 2\n\n"));
    std::string all;
    for (int i = 0; i < 100 && !stream.socket.ended(); ++i) {
      bench.run();
      all += stream.socket.read();
    }
    CHECK(all == "data: 1\n\nbye\n\n");
    CHECK(bench.handler.endings == std::vector{Ending::server});
    stream.socket.shut_down_write();
    bench.run();
    CHECK(stream.socket.closed());
    CHECK_FALSE(stream.socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("end_stream: also before the topics are ready, and only once") {
  on_both({}, [](Bench& bench) {
    Stream stream(bench, "/stream/later");
    bench.table().end_stream(*stream.find(), nullptr, 0);
    bench.table().end_stream(*stream.find(), bench.memory().blocks.take(5), 5);
    bench.run();
    CHECK(stream.socket.read().starts_with("HTTP/1.1 200 "));
    CHECK(stream.socket.ended());
    stream.socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: a client that ends its side gets what it was to get, and is let go") {
  on_both({}, [](Bench& bench) {
    Stream ready(bench);
    Stream deaf(bench);
    Stream early(bench, "/stream/later");
    for (Stream* stream : {&ready, &deaf}) {
      stream->socket.window = 0;
      stream->push("data: 1\n\n");
      stream->socket.shut_down_write();
    }
    early.socket.shut_down_write();
    bench.run();
    CHECK_FALSE(ready.socket.closed());
    ready.socket.window = 1000;
    bench.run();
    CHECK(ready.socket.read() == "data: 1\n\n");
    CHECK(ready.socket.closed());
    CHECK_FALSE(early.socket.closed());
    bench.table().topics_ready(*early.find());
    bench.run();
    CHECK(early.socket.read().starts_with("HTTP/1.1 200 "));
    CHECK(early.socket.closed());
    CHECK_FALSE(deaf.socket.closed());
    bench.pass_slowly(TableLimits{}.close_timeout + TableLimits{}.send_timeout);
    CHECK(deaf.socket.closed());
    CHECK(bench.handler.endings == std::vector(3, Ending::client));
    CHECK(bench.handler.closes.size() == 3);
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: a comment goes out when nothing else did") {
  on_both(kLively, [](Bench& bench) {
    Stream stream(bench);
    bench.pass_slowly(24'900ms);
    CHECK(stream.socket.unread() == 0);
    bench.pass_slowly(200ms);
    CHECK(stream.socket.read() == ":\n\n");
    bench.pass_slowly(24'800ms);
    CHECK(stream.socket.unread() == 0);
    bench.pass_slowly(200ms);
    CHECK(stream.socket.read() == ":\n\n");
    for (int i = 0; i < 10; ++i) {
      bench.pass_slowly(20s);
      stream.push("data: 1\n\n");
      bench.run();
    }
    CHECK(stream.socket.read().find(':') == 4);
    CHECK_FALSE(stream.socket.closed());
  });
}

TEST_CASE("stream: a client that takes nothing of what is queued is let go") {
  on_both(kLively, [](Bench& bench) {
    Stream stream(bench);
    stream.socket.window = 0;
    stream.push("data: 1\n\n");
    bench.run();
    bench.pass_slowly(30s);
    CHECK_FALSE(stream.socket.closed());
    bench.pass_slowly(10'500ms);  // ping_interval and pong_timeout are over
    CHECK(stream.socket.was_reset());
    CHECK(bench.handler.endings == std::vector{Ending::pong_timeout});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: a client that takes little by little stays, and no comments pile up") {
  on_both(kLively, [](Bench& bench) {
    Stream stream(bench);
    stream.socket.window = 1;
    const std::string text(40, 'x');
    stream.push(text);
    bench.run();
    std::string all;
    for (int i = 0; i < 20; ++i) {
      bench.pass_slowly(10s);
      all += stream.socket.read();
      bench.run();
    }
    CHECK_FALSE(stream.socket.closed());
    CHECK(all.size() >= 19);
    CHECK(text.starts_with(all));
    CHECK(stream.find()->bytes() < text.size());
    stream.socket.reset();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: without pong_timeout a client that takes nothing costs no more with time") {
  on_both({.policy = {.outbox = {}, .ping_interval = 10s}}, [](Bench& bench) {
    Stream stream(bench);
    stream.socket.window = 0;
    stream.push("data: 1\n\n");
    bench.pass_slowly(200s);
    CHECK_FALSE(stream.socket.closed());
    CHECK(stream.find()->bytes() == 9);
    stream.socket.reset();
    bench.run();
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: a client whose queue is full is reset") {
  on_both({.policy = {.outbox = {.queue_size = 2000}}}, [](Bench& bench) {
    Stream stream(bench);
    stream.socket.window = 0;
    for (int i = 0; i < 100 && stream.push(std::string(100, 'x')); ++i) bench.turn();
    CHECK(stream.find()->overflowed());
    bench.run();
    CHECK(stream.socket.was_reset());
    CHECK(bench.handler.endings == std::vector{Ending::slow_client});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("stream: one without messages ends, comments do not count") {
  on_both({.policy = {.outbox = {}, .ping_interval = 5s, .idle_timeout = 30s}}, [](Bench& bench) {
    Stream stream(bench);
    bench.pass_slowly(20s);
    stream.push("data: 1\n\n");
    bench.run();
    bench.pass_slowly(29'900ms);
    CHECK_FALSE(stream.socket.ended());
    bench.pass_slowly(200ms);
    CHECK(count_of(stream.socket.read(), ":\n\n") > 5);
    CHECK(stream.socket.ended());
    CHECK(bench.handler.endings == std::vector{Ending::idle});
  });
}

TEST_CASE("close_all: a stream ends after what is queued") {
  on_both({}, [](Bench& bench) {
    Stream stream(bench);
    stream.push("data: 1\n\n");
    bench.table().close_all(ws::CloseCode::going_away, "");
    bench.run();
    CHECK(stream.socket.read() == "data: 1\n\n");
    CHECK(stream.socket.ended());
    CHECK_FALSE(stream.socket.was_reset());
  });
}

}  // namespace
}  // namespace peal::conn::test
