// SPDX-License-Identifier: Apache-2.0
// What finding a route costs with 1, 100 and 10,000 of them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "server/router.h"

using namespace peal;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kCounts[] = {1, 100, 10'000};
constexpr std::string_view kHost = "chat.example.com:8080";

std::string service(std::size_t i) {
  return "/service-" + std::to_string(i);
}

server::Router make_router(std::size_t count) {
  config::Config config;
  config.listen.push_back({"public", "127.0.0.1", 0, {}});
  for (std::size_t i = 0; i < count; ++i) {
    config::Route& route = config.routes.emplace_back();
    route.name = std::to_string(i);
    route.path = service(i) + "/rooms/{room}";
  }
  return server::Router(config);
}

/// Nanoseconds for one look-up, the paths taken in turn: the best of several runs.
double measure(const server::Router& router, const std::vector<std::string>& paths) {
  constexpr std::size_t kLookups = 100'000;
  std::array<char, 256> scratch;
  std::size_t found = 0;
  double best = 1e9;
  for (int run = 0; run < 7; ++run) {
    const auto start = Clock::now();
    for (std::size_t i = 0, next = 0; i < kLookups; ++i) {
      const auto match = router.match(0, kHost, paths[next], scratch);
      found += match.outcome == server::RouteMatch::Outcome::found ? 1 : 0;
      if (++next == paths.size()) next = 0;
    }
    const std::chrono::duration<double, std::nano> taken = Clock::now() - start;
    best = std::min(best, taken.count() / kLookups);
  }
  asm volatile("" : : "g"(found));  // keeps the look-ups
  return best;
}

}  // namespace

int main() {
  std::printf(
      "Route look-up, nanoseconds. With each route in turn, memory is part of the price.\n\n");
  std::printf("| routes | one path | encoded | each in turn | no route |\n");
  std::printf("|---:|---:|---:|---:|---:|\n");
  for (const std::size_t count : kCounts) {
    const server::Router router = make_router(count);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(service(i * 7919 % count) + "/rooms/lobby");
    const std::string& last = all.back();
    std::printf("| %zu | %.0f | %.0f | %.0f | %.0f |\n", count, measure(router, {last}),
                measure(router, {last + "%20%C3%BC"}), measure(router, all),
                measure(router, {last + "/more"}));
  }
}
