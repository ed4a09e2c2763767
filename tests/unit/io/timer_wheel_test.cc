// SPDX-License-Identifier: Apache-2.0
#include "core/io/timer_wheel.h"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "tests/support/rounds.h"

namespace peal::io {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTick = TimerWheel::kTick;

TEST_CASE("TimerWheel: nothing armed, nothing to wait for") {
  const Instant start{5h};
  TimerWheel wheel(start);
  CHECK_FALSE(wheel.until_next(start));
  CHECK(wheel.expire(start + 100h) == nullptr);
  CHECK_FALSE(wheel.until_next(start + 100h));
}

TEST_CASE("TimerWheel: a timer fires once, not early, at most one tick late") {
  const Instant start{5h};
  for (const Duration after : {Duration(0), Duration(1ns), Duration(4ms), Duration(4ms + 1ns),
                               Duration(1s), Duration(1024ms), Duration(5min), Duration(80h)}) {
    CAPTURE(after.count());
    TimerWheel wheel(start);
    Timer timer(42);
    wheel.arm(timer, start + after);
    if (after > kTick) CHECK(wheel.expire(start + after - 1ns) == nullptr);
    CHECK(timer.armed());
    CHECK(wheel.expire(start + after + kTick) == &timer);
    CHECK_FALSE(timer.armed());
    CHECK(timer.owner() == 42);
    CHECK(wheel.expire(start + after + 1h) == nullptr);
  }
}

TEST_CASE("TimerWheel: a time in the past fires in the next tick") {
  const Instant start{5h};
  TimerWheel wheel(start);
  CHECK(wheel.expire(start + 1h) == nullptr);
  Timer timer(1);
  wheel.arm(timer, start);
  CHECK(wheel.expire(start + 1h + kTick) == &timer);
}

TEST_CASE("TimerWheel: armed again, a timer moves") {
  const Instant start{5h};
  TimerWheel wheel(start);
  Timer timer(1);
  wheel.arm(timer, start + 10s);
  wheel.arm(timer, start + 20s);
  CHECK(wheel.expire(start + 15s) == nullptr);
  wheel.arm(timer, start + 16s);
  CHECK(wheel.expire(start + 16s + kTick) == &timer);
}

TEST_CASE("TimerWheel: what is cancelled or gone does not fire") {
  const Instant start{5h};
  TimerWheel wheel(start);
  Timer cancelled(1);
  wheel.arm(cancelled, start + 1s);
  cancelled.cancel();
  cancelled.cancel();
  {
    Timer gone(2);
    wheel.arm(gone, start + 1s);
  }
  CHECK(wheel.expire(start + 1h) == nullptr);
  CHECK_FALSE(wheel.until_next(start + 1h));
}

TEST_CASE("TimerWheel: the wheel may go before its timers") {
  Timer timer(1);
  {
    TimerWheel wheel(Instant{});
    wheel.arm(timer, Instant{} + 1s);
  }
  CHECK_FALSE(timer.armed());
}

TEST_CASE("TimerWheel: one that was left alone for 199 days, past the end of its counter") {
  const Instant start{};
  TimerWheel wheel(start);
  // In steps of less than half the counter's range, as a reactor that wakes now and then.
  Instant now = start;
  for (int month = 0; month < 7; ++month) {
    now += 24h * 29;
    CHECK(wheel.expire(now) == nullptr);
  }
  Timer timer(1);
  wheel.arm(timer, now + 3s);
  CHECK(wheel.expire(now + 2999ms) == nullptr);
  CHECK(wheel.expire(now + 3s + kTick) == &timer);
}

/// Timers in a list, looked through from end to end.
class NaiveWheel {
 public:
  explicit NaiveWheel(std::size_t count) : when_(count) {}

  void arm(std::size_t timer, Instant when) { when_[timer] = when; }
  void cancel(std::size_t timer) { when_[timer].reset(); }
  std::optional<Instant> when(std::size_t timer) const { return when_[timer]; }

  std::optional<Instant> next() const {
    std::optional<Instant> first;
    for (const auto& when : when_)
      if (when && (!first || *when < *first)) first = when;
    return first;
  }

 private:
  std::vector<std::optional<Instant>> when_;
};

Duration random_duration(std::mt19937_64& random) {
  constexpr Duration kRanges[] = {1ms, 20ms, 1s, 1500ms, 30s, 5min, 2h, 100h};
  return Duration(random() % static_cast<std::uint64_t>(kRanges[random() % 8].count()));
}

void compare_with_naive(std::uint64_t seed) {
  constexpr std::size_t kTimers = 40;
  std::mt19937_64 random(seed);
  const Instant start{Duration(random() % 1'000'000'000'000)};
  Instant now = start;
  TimerWheel wheel(start);
  NaiveWheel naive(kTimers);
  std::deque<Timer> timers;
  for (std::uint32_t i = 0; i < kTimers; ++i) timers.emplace_back(i);
  for (int step = 0; step < 200; ++step) {
    for (auto changes = random() % 4; changes > 0; --changes) {
      const std::size_t timer = random() % kTimers;
      if (random() % 4 == 0) {
        naive.cancel(timer);
        timers[timer].cancel();
      } else {
        const Instant when = now + random_duration(random);
        naive.arm(timer, when);
        wheel.arm(timers[timer], when);
      }
    }
    const auto wait = wheel.until_next(now);
    const auto next = naive.next();
    REQUIRE(wait.has_value() == next.has_value());
    if (wait) REQUIRE(*wait <= std::max(*next - now + kTick, kTick));
    // As a reactor does, or later than asked for.
    if (wait && random() % 2 == 0)
      now += *wait;
    else
      now += random_duration(random) / (1 + random() % 20);
    while (Timer* timer = wheel.expire(now)) {
      const auto when = naive.when(timer->owner());
      REQUIRE(when);
      REQUIRE(*when <= now);
      naive.cancel(timer->owner());
    }
    for (std::size_t i = 0; i < kTimers; ++i) {
      REQUIRE(timers[i].armed() == naive.when(i).has_value());
      if (naive.when(i)) REQUIRE(*naive.when(i) + kTick > now);
    }
  }
}

TEST_CASE("TimerWheel: as a list of timers would, over hours") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(100); ++seed) {
    CAPTURE(seed);
    compare_with_naive(seed);
  }
}

}  // namespace
}  // namespace peal::io
