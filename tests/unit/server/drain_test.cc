// SPDX-License-Identifier: Apache-2.0
#include "server/drain.h"

#include <deque>

#include "tests/unit/conn/fixture.h"

namespace peal::server::drain_test {
namespace {

using namespace conn::test;

/// WebSockets of one shard, and what they have been told.
struct Crowd {
  explicit Crowd(std::size_t count) : bench({}) {
    for (std::size_t i = 0; i < count; ++i) {
      peers.emplace_back();
      sockets.push_back(&bench.open(peers.back()));
    }
  }

  /// Those that were told to go by now.
  std::size_t told() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      Bench::read(*sockets[i], peers[i]);
      count += peers[i].close_code == 1001;
    }
    return count;
  }

  /// Lets time pass in steps of a timer's, as the shard does.
  void pass(Duration time) {
    for (; time > 0s; time -= 4ms) {
      FakeClock::advance(4ms);
      while (drain.work()) bench.run();
      bench.run();
    }
  }

  Bench bench;
  std::deque<WsPeer> peers;
  std::vector<SimSocket*> sockets;
  Drain drain{bench.table()};
};

TEST_CASE("Drain: as many are told as time has passed") {
  FakeClock::reset();
  Crowd crowd(200);
  crowd.bench.turn();  // the table's clock is that of its last turn
  crowd.drain.begin({.over = 2s, .jitter = 0.25}, 1);
  for (std::size_t tenths = 1; tenths <= 20; ++tenths) {
    crowd.pass(100ms);
    CHECK(crowd.told() + 1 >= tenths * 10);
    CHECK(crowd.told() <= tenths * 10 + 1);
  }
  CHECK(crowd.told() == 200);
  CHECK_FALSE(crowd.drain.next_due());
}

TEST_CASE("Drain: those who went by themselves are not waited for") {
  FakeClock::reset();
  Crowd crowd(100);
  crowd.bench.turn();
  crowd.drain.begin({.over = 10s}, 1);
  for (std::size_t i = 0; i < 100; i += 2) crowd.sockets[i]->reset();
  crowd.pass(5200ms);
  std::size_t told = 0;
  for (std::size_t i = 1; i < 100; i += 2) {
    Bench::read(*crowd.sockets[i], crowd.peers[i]);
    told += crowd.peers[i].close_code == 1001;
  }
  CHECK(told == 50);
  CHECK_FALSE(crowd.drain.next_due());
}

TEST_CASE("Drain: without a time all are told, a bounded number a turn") {
  FakeClock::reset();
  Crowd crowd(Drain::kClosesPerTurn + 10);
  crowd.bench.turn();
  crowd.drain.begin({.over = 0s}, 1);
  CHECK(crowd.drain.work());
  crowd.bench.run();
  CHECK(crowd.told() == Drain::kClosesPerTurn);
  CHECK_FALSE(crowd.drain.work());
  crowd.bench.run();
  CHECK(crowd.told() == crowd.peers.size());
}

TEST_CASE("Drain: what is queued is sent before the close frame") {
  FakeClock::reset();
  Crowd crowd(1);
  crowd.sockets[0]->window = 0;
  for (int i = 0; i < 10; ++i) crowd.sockets[0]->write(crowd.peers[0].text("message"));
  crowd.bench.run();
  crowd.drain.begin({.over = 0s}, 1);
  crowd.drain.work();
  crowd.sockets[0]->window = 1 << 20;
  crowd.bench.run();
  CHECK(crowd.told() == 1);
  CHECK(crowd.peers[0].messages.size() == 10);
}

}  // namespace
}  // namespace peal::server::drain_test
