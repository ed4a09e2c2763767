// SPDX-License-Identifier: Apache-2.0
// One shard on a simulated kernel, with a handler that does what the path says.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/response.h"
#include "tests/sim/sim_backend.h"
#include "tests/support/fake_clock.h"
#include "tests/support/test_shard.h"
#include "tests/support/ws_peer.h"

namespace peal::conn::test {

using namespace peal::test;
using namespace std::chrono_literals;
using sim::SimSocket;

/// /echo: a WebSocket that echoes. /later: the same, whose topics are not ready by themselves.
/// /file: `file`, of which `file_size` bytes are promised. /body: a text that repeats the body.
/// /body/later: the same, when answer() is called. /owed: that alone. /poll: the same for a client
/// that may give up. /stream: a stream; /stream/later as above. Anything else: a text that repeats
/// the path.
class ScriptHandler final : public TestHandler {
 public:
  void on_request(Connection& connection, const http::Request& request) override {
    requests.emplace_back(request.path);
    if (connection.state.forwards) table->answer_for(connection, answers_for, false);
    if (request.path.starts_with("/body") || request.path == "/owed" || request.path == "/poll") {
      keep(connection, request);
      return;
    }
    Block* block = table->memory().blocks.take(kRoom);
    const MutableBytes room{block->data(), kRoom};
    if (const auto upgrade = ws::check_upgrade(request)) {
      const auto deflate = ws::answer_deflate_offers(request, policy.deflate);
      REQUIRE(deflate);
      connection.set_deflate(deflate->agreement);
      table->upgrade(connection, policy, block,
                     ws::write_accept(room, *upgrade, "", deflate->text.view()));
      upgrading = connection.id();
      if (request.path != "/later") table->topics_ready(connection);
      return;
    }
    if (request.path.starts_with("/stream")) {
      table->stream(connection, policy, block, http::write_text_response(room, {}));
      upgrading = connection.id();
      if (request.path != "/stream/later") table->topics_ready(connection);
      return;
    }
    const bool keep_alive = request.keep_alive && !table->crowded(connection);
    if (request.path == "/file") {
      http::ResponseWriter head(room);
      head.status_line(200);
      head.header("Content-Length", file_size);
      head.end();
      table->respond_file(
          connection, block, head.size(), keep_alive,
          {.file = Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), .offset = 0, .left = file_size});
      return;
    }
    const http::TextResponse answer{.text = request.path, .keep_alive = keep_alive};
    table->respond(connection, block, http::write_text_response(room, answer), keep_alive);
  }

  void on_body(Connection& connection, MutableBytes body, Block* block) override {
    bodies.push_back({std::string(as_text(body)), block != nullptr});
    if (block) {
      CHECK(static_cast<std::size_t>(body.data() - block->data()) >= ws::kMaxServerHeader);
      hub::Memory& memory = table->memory();
      memory.release(memory.make_message(ws::Opcode::binary, body, block));
    }
    owed = connection.id();
    if (!script(connection).later) answer(bodies.back().text);
  }

  void on_answer_due(Connection& connection) override {
    ++dues;
    if (answers_when_due) respond(connection, "due");
  }

  void on_topics_due(Connection&) override { ++topics_due; }

  std::unique_ptr<Exchange> make_exchange() override {
    ++exchanges;
    return std::make_unique<ScriptExchange>();
  }

  /// Answers the request that is owed an answer.
  void answer(std::string_view text) {
    Connection* connection = table->find(owed);
    REQUIRE(connection);
    respond(*connection, text);
  }

  void on_message(Connection& connection, const ws::Event& message) override {
    FakeClock::advance(message_takes);
    messages.emplace_back(as_text(message.payload));
    table->echo(connection, message);
  }

  void on_echo(Connection&, std::uint32_t count) override { echoed += count; }

  void on_close(Connection& connection) override {
    closes.push_back({connection.state.close_code, connection.state.closed_by_peer});
  }

  void on_ending(Connection& connection, std::string_view reason) override {
    endings.push_back(connection.state.ending);
    last_reason = reason;
  }
  void on_refused(io::IpNetwork) override { ++refused; }

  void on_topic_ready(hub::TopicUse&) override {}

  struct Close {
    std::uint16_t code;
    bool by_peer;
    friend bool operator==(const Close&, const Close&) = default;
  };

  struct Body {
    std::string text;
    bool in_block;
    friend bool operator==(const Body&, const Body&) = default;
  };

  ConnectionTable* table = nullptr;
  RoutePolicy policy;
  std::uint64_t body_limit = 1 << 20;
  Duration poll_time = 25s;
  bool answers_when_due = true;
  Duration message_takes{};
  SlotId owed;
  std::vector<Body> bodies;
  int dues = 0;
  int topics_due = 0;
  int exchanges = 0;
  std::string file;
  std::uint64_t file_size = 0;
  SlotId upgrading;
  io::IpNetwork answers_for;  ///< on lines that forward
  std::vector<std::string> requests;
  std::vector<std::string> messages;
  std::uint32_t echoed = 0;
  std::vector<Close> closes;
  std::vector<Ending> endings;
  std::string last_reason;  // of an ending
  int refused = 0;

 private:
  struct ScriptExchange final : Exchange {
    bool keep_alive = false;
    bool later = false;
  };

  static ScriptExchange& script(Connection& connection) {
    return static_cast<ScriptExchange&>(*connection.exchange);
  }

  void keep(Connection& connection, const http::Request& request) {
    table->exchange(connection);
    script(connection).keep_alive = request.keep_alive;
    script(connection).later = request.path != "/body";
    owed = connection.id();
    if (request.path.starts_with("/body"))
      table->receive_body(connection, request, body_limit);
    else
      table->answer_later(connection, table->now() + poll_time, request.path == "/poll");
  }

  void respond(Connection& connection, std::string_view text) {
    const std::size_t room = kRoom + text.size();
    Block* block = table->memory().blocks.take(room);
    const bool keep_alive = connection.exchange && script(connection).keep_alive;
    const http::TextResponse answer{.text = text, .keep_alive = keep_alive};
    table->respond(connection, block, http::write_text_response({block->data(), room}, answer),
                   keep_alive);
  }

  static constexpr std::size_t kRoom = 2048;
};

struct Setup {
  sim::Habits habits = {};
  RoutePolicy policy = {};
  TableLimits limits = {};
  std::uint64_t most_connections = 0;
  const tls::Context* certificates = nullptr;
  std::uint64_t per_client = 0;
  std::uint64_t seed = 1;
  ListenerPolicy listener = {};
};

class Bench {
 public:
  explicit Bench(const Setup& setup)
      : mesh_(1),
        admission_(setup.most_connections, setup.per_client, {}, [](int) { return next_peer; }),
        backend_(new sim::SimBackend(setup.seed, setup.habits)),
        shard_(0, std::unique_ptr<io::Backend>(backend_), mesh_, admission_, setup.limits, handler,
               FakeClock::now) {
    handler.table = &shard_.table;
    handler.policy = setup.policy;
    handler.listener = setup.listener;
    if (setup.certificates) handler.listener.certificates = setup.certificates;
    backend_->accept(0, -1);
  }

  ~Bench() {
    for (const std::string& complaint : backend_->complaints()) FAIL_CHECK(complaint);
    CHECK(memory_consistent());
  }

  SimSocket& connect() { return backend_->connect(); }

  void turn() {
    FakeClock::advance(1us);
    REQUIRE(shard_.turn());
  }

  bool work_left() const { return shard_.work_left; }

  /// Turns until nothing is due any more.
  void run() {
    for (int turns = 0; backend_->busy() || shard_.work_left || turns == 0; ++turns) {
      REQUIRE(turns < 10'000);
      turn();
    }
  }

  void pass(Duration time) {
    FakeClock::advance(time);
    run();
  }

  /// Lets time pass in steps, as it does.
  void pass_slowly(Duration time) {
    constexpr Duration kStep = std::chrono::milliseconds(50);
    for (; time > kStep; time -= kStep) pass(kStep);
    pass(time);
  }

  /// Opens a WebSocket; `socket` is then read into `peer` by read().
  SimSocket& open(WsPeer& peer, std::string_view target = "/echo",
                  std::optional<ws::DeflateOffer> offer = {}) {
    SimSocket& socket = connect();
    socket.write(peer.handshake(target, offer));
    run();
    read(socket, peer);
    REQUIRE(peer.status() == 101);
    return socket;
  }

  static void read(SimSocket& socket, WsPeer& peer) { peer.take(socket.read()); }

  /// Nothing is left of anything, and nothing would wake the reactor.
  bool all_given_back() {
    REQUIRE(shard_.turn(std::nullopt));
    return shard_.all_given_back() && admission_.open == 0 && backend_->open_sockets() == 0 &&
           backend_->last_timeout() == io::Reactor::kLongestWait;
  }

  /// What the hub does for an outbox that it has put a message into.
  void mark_due(Connection& connection) {
    shard_.due.add_delivery(connection);
    shard_.work_left = true;
  }

  ConnectionTable& table() { return shard_.table; }
  hub::Memory& memory() { return shard_.memory; }
  sim::SimBackend& backend() { return *backend_; }

  Admission& admission() { return admission_; }

  ScriptHandler handler;
  static inline io::Peer next_peer;  ///< whoever is accepted next

 private:
  bool memory_consistent() { return shard_.table.size() > 0 || shard_.all_given_back(); }

  hub::Mesh mesh_;
  Admission admission_;
  sim::SimBackend* backend_;
  TestShard<ScriptHandler> shard_;
};

/// Runs `test` as with epoll and as with io_uring.
template <class Test>
void on_both(const Setup& setup, Test&& test) {
  for (const bool at_once : {false, true}) {
    CAPTURE(at_once);
    FakeClock::reset();
    Setup changed = setup;
    changed.habits.sends_at_once = at_once;
    Bench bench(changed);
    test(bench);
  }
}

inline std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) +
         "\r\n";
}

inline std::string post(std::string_view path, std::string_view body, std::string_view more = {}) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

/// A request with a chunked body; `chunks` are its octets.
inline std::string post_chunked(std::string_view path, std::string_view chunks) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" +
         "Transfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace peal::conn::test
