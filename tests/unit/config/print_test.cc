// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <doctest/doctest.h>

#include <random>

#include "config/load.h"

namespace peal::config {
namespace {

/// Any configuration that is valid, from a random number generator.
class RandomConfig {
 public:
  explicit RandomConfig(std::uint64_t seed) : random_(seed) {}

  Config make() {
    Config config;
    config.server = {static_cast<unsigned>(below(257)), any<IoChoice>(3), coin()};
    config.log = {any<LogLevel>(5), any<LogFormat>(2)};
    config.limits.connections = below(1000);
    config.limits.header_size = 1024 + below(100'000);
    config.limits.handshake_timeout = Milliseconds(1 + below(86'400'000));
    config.limits.close_timeout = Milliseconds(1000 * (1 + below(60)));
    config.limits.route = limits();
    for (std::uint64_t i = 0; i <= below(3); ++i)
      config.listen.push_back({"l" + std::to_string(i), coin() ? "::1" : "10.0.0.1", port(i), {}});
    for (std::uint64_t i = 0; i <= below(5); ++i) config.routes.push_back(route(i));
    return config;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool coin() { return below(2) == 0; }
  template <class Enum>
  Enum any(std::uint64_t count) {
    return static_cast<Enum>(below(count));
  }
  std::uint16_t port(std::uint64_t i) {
    return coin() ? std::uint16_t{0} : static_cast<std::uint16_t>(8000 + i);
  }

  RouteLimits limits() {
    const std::uint64_t message = 1 + below(1 << 20);
    return {message,
            std::max<std::uint64_t>(message, 4096) << below(3),
            any<SlowClient>(2),
            Milliseconds(below(2) * below(100'000)),
            Milliseconds(1 + below(100'000)),
            Milliseconds(60'000 * below(3))};
  }

  Route route(std::uint64_t i) {
    Route route;
    // The last segment keeps any two from a tie.
    route.name = "route-" + std::to_string(i);
    route.path = "/{a}/q\"\\ü/" + std::to_string(i);
    route.type = any<RouteType>(4);
    if (coin()) route.hosts = {"a.example.com", "*.example.com", "[::1]"};
    if (coin()) route.origins = {"https://*.example.com:8443"};
    if (coin()) route.subprotocols = {"chat", "v1'"};
    if (coin()) route.listen = {"l0"};
    route.limits = limits();
    if (route.type == RouteType::pubsub) {
      route.topics = {"t/{a}", "quote \" and \\"};
      route.publish = any<PublishPolicy>(3);
      route.publish_to = route.topics[below(2)];
      route.include_sender = coin();
    }
    if (route.type == RouteType::files) route.root = "/";
    return route;
  }

  std::mt19937_64 random_;
};

TEST_CASE("print: what is printed loads back equal") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  RandomConfig random(seed);
  for (int i = 0; i < 100; ++i) {
    const Config config = random.make();
    const std::string text = print(config);
    CAPTURE(text);
    const Loaded loaded = load_text(text, "/p.toml");
    for (const Problem& problem : loaded.problems) FAIL_CHECK(problem.text());
    REQUIRE(loaded.config);
    CHECK(*loaded.config == config);
  }
}

TEST_CASE("settings: defaults are there, under the keys that set them") {
  Config config;
  config.routes.push_back({});
  config.routes.back().name = "x";
  bool found = false;
  for (const Setting& setting : settings(config))
    if (setting.table == "route.x.limits" && setting.key == "ping_interval")
      found = setting.value == "\"25s\"";
  CHECK(found);
}

}  // namespace
}  // namespace peal::config
