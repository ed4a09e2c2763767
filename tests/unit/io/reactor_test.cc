// SPDX-License-Identifier: Apache-2.0
#include "core/io/reactor.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/sim/sim_backend.h"
#include "tests/support/backends.h"
#include "tests/support/fake_clock.h"

namespace peal::io {
namespace {

using namespace std::chrono_literals;

class Client final : public ReactorClient {
 public:
  void on_accept(std::uint32_t, int) override {}
  void on_accept_end(std::uint32_t, int) override {}
  void on_receive(SlotId, Received) override {}
  void on_send(SlotId, int) override {}
  void on_wake() override { ++wakes; }
  void on_timer(Timer& timer) override { fired.push_back(timer.owner()); }
  bool on_turn_end() override {
    ++turns;
    if (mail.exchange(false)) ++letters;
    if (letters == stop_at) reactor->stop();
    return work_left;
  }
  bool has_mail() const override { return mail; }

  Reactor* reactor = nullptr;
  std::vector<std::uint32_t> fired;
  std::atomic<bool> mail{false};
  bool work_left = false;
  int letters = 0;
  int stop_at = -1;
  int turns = 0;
  int wakes = 0;
};

TEST_CASE("Reactor: waits until the next timer, not at all with work left or mail") {
  test::FakeClock::reset();
  auto* backend = new sim::SimBackend(1, {});
  Reactor reactor(std::unique_ptr<Backend>(backend), test::FakeClock::now);
  Client client;
  REQUIRE(reactor.turn(client));
  CHECK(*backend->last_timeout() == Reactor::kLongestWait);
  Timer timer(7);
  reactor.arm(timer, 1s);
  REQUIRE(reactor.turn(client));
  CHECK(*backend->last_timeout() <= 1s + TimerWheel::kTick);
  CHECK(*backend->last_timeout() > 900ms);
  REQUIRE(reactor.turn(client, 10ms));
  CHECK(*backend->last_timeout() == 10ms);
  client.work_left = true;
  REQUIRE(reactor.turn(client));
  client.work_left = false;
  REQUIRE(reactor.turn(client));
  CHECK(*backend->last_timeout() == 0s);
  client.mail = true;
  REQUIRE(reactor.turn(client));
  CHECK(*backend->last_timeout() == 0s);
  CHECK(client.fired.empty());
  test::FakeClock::advance(1s + TimerWheel::kTick);
  REQUIRE(reactor.turn(client));
  CHECK(client.fired == std::vector<std::uint32_t>{7});
}

TEST_CASE("Reactor: with nothing to wait for, its timers still are in time after a year") {
  test::FakeClock::reset();
  auto* backend = new sim::SimBackend(1, {});
  Reactor reactor(std::unique_ptr<Backend>(backend), test::FakeClock::now);
  Client client;
  const Instant end = test::FakeClock::now() + 24h * 365;
  while (test::FakeClock::now() < end) {
    REQUIRE(reactor.turn(client));
    test::FakeClock::advance(backend->last_timeout().value_or(24h * 365));
  }
  Timer timer(7);
  REQUIRE(reactor.turn(client, 0s));
  reactor.arm(timer, 1s);
  REQUIRE(reactor.turn(client));
  CHECK(*backend->last_timeout() > 900ms);
  CHECK(client.fired.empty());
  test::FakeClock::advance(1s + TimerWheel::kTick);
  REQUIRE(reactor.turn(client));
  CHECK(client.fired == std::vector<std::uint32_t>{7});
}

TEST_CASE("Reactor: mail from another thread is never left lying, on both back ends") {
  for (const auto& make : test::real_backends()) {
    auto backend = make();
    CAPTURE(std::string(backend->name()));
    Reactor reactor(std::move(backend));
    Client client;
    client.reactor = &reactor;
    constexpr int kLetters = 2000;
    client.stop_at = kLetters;
    std::thread sender([&] {
      for (int i = 0; i < kLetters; ++i) {
        while (client.mail.load()) std::this_thread::yield();
        client.mail.store(true);
        reactor.wake();
      }
    });
    REQUIRE(reactor.run(client));  // for ever, if one were lost
    sender.join();
    CHECK(client.letters == kLetters);
  }
}

TEST_CASE("Reactor: stop() from another thread ends run()") {
  for (const auto& make : test::real_backends()) {
    Reactor reactor(make());
    Client client;
    std::thread stopper([&] { reactor.stop(); });
    CHECK(reactor.run(client));
    stopper.join();
  }
}

}  // namespace
}  // namespace peal::io
