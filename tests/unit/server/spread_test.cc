// SPDX-License-Identifier: Apache-2.0
#include "server/spread.h"

#include <doctest/doctest.h>

#include <vector>

namespace peal::server::spread_test {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = Instant(1h);

std::vector<Duration> instants(Spread spread) {
  std::vector<Duration> all;
  for (; !spread.done(); spread.take()) all.push_back(spread.next() - kStart);
  return all;
}

TEST_CASE("Spread: nothing is done at once") {
  CHECK(Spread().done());
  CHECK(Spread(kStart, {.over = 1s}, 0, 1).done());
}

TEST_CASE("Spread: without a time all are due at once") {
  for (const Duration at : instants(Spread(kStart, {.over = 0s, .jitter = 1}, 100, 1)))
    CHECK(at == 0s);
}

TEST_CASE("Spread: without jitter each is in the middle of its share") {
  CHECK(instants(Spread(kStart, {.over = 4s, .jitter = 0}, 4, 1)) ==
        std::vector<Duration>{500ms, 1500ms, 2500ms, 3500ms});
}

TEST_CASE("Spread: with jitter each stays within its share, in order") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto all = instants(Spread(kStart, {.over = 100s, .jitter = 0.5}, 100, seed));
    REQUIRE(all.size() == 100);
    bool moved = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Duration middle = 500ms + i * 1s;
      CHECK(all[i] >= middle - 250ms);
      CHECK(all[i] <= middle + 250ms);
      moved |= all[i] != middle;
    }
    CHECK(moved);
  }
}

TEST_CASE("Spread: two that begin together are not in step") {
  CHECK(instants(Spread(kStart, {.over = 10s, .jitter = 0.25}, 10, 1)) !=
        instants(Spread(kStart, {.over = 10s, .jitter = 0.25}, 10, 2)));
}

}  // namespace
}  // namespace peal::server::spread_test
