// SPDX-License-Identifier: Apache-2.0
#include "core/base/coarse_instant.h"

#include <doctest/doctest.h>

#include <random>

namespace peal::coarse_instant_test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("CoarseInstant: none is before all, and equal to none only") {
  const CoarseInstant none;
  const CoarseInstant some(Instant(5s));
  CHECK_FALSE(none.known());
  CHECK(some.known());
  CHECK(none < some);
  CHECK_FALSE(some < none);
  CHECK_FALSE(none < none);
  CHECK(none == CoarseInstant());
  CHECK_FALSE(none == some);
}

TEST_CASE("CoarseInstant: comes back a step later at most and never earlier") {
  std::mt19937_64 dice(7);
  for (int round = 0; round < 10'000; ++round) {
    const Instant exact{Duration(static_cast<Duration::rep>(dice() >> 2))};
    const CoarseInstant coarse(exact);
    const Instant now = exact + Duration(static_cast<Duration::rep>(dice() >> 12)) - 1000h;
    CAPTURE(exact.time_since_epoch().count());
    CHECK(coarse.near(now) >= exact);
    CHECK(coarse.near(now) <= exact + CoarseInstant::kStep);
  }
}

TEST_CASE("CoarseInstant: keeps its order where its counter begins anew") {
  const Duration turn = (1LL << 32) * CoarseInstant::kStep;
  for (const Duration at : {turn - 1s, turn, turn + 1s, 5 * turn}) {
    const CoarseInstant before(Instant(at - 10s));
    const CoarseInstant after(Instant(at + 10s));
    CHECK(before.known());
    CHECK(before < after);
    CHECK_FALSE(after < before);
    CHECK(after.near(Instant(at)) - before.near(Instant(at)) == 20s);
  }
}

TEST_CASE("CoarseInstant: the very start of the clock is an instant, too") {
  CHECK(CoarseInstant(Instant()).known());
  CHECK(CoarseInstant(Instant()).near(Instant()) == Instant());
}

}  // namespace
}  // namespace peal::coarse_instant_test
