// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <doctest/doctest.h>

#include <random>

#include "config/load.h"
#include "tests/support/rounds.h"
#include "tests/unit/config/folder.h"

namespace peal::config {
namespace {

/// Any configuration that is valid, from a random number generator.
class RandomConfig {
 public:
  explicit RandomConfig(std::uint64_t seed) : random_(seed) {}

  Config make() {
    Config config;
    config.server = {static_cast<unsigned>(below(257)), any<IoChoice>(3), coin()};
    config.compression = {coin(), below(100'000), below(100'000),
                          static_cast<unsigned>(1 + below(9)), coin()};
    config.log = {any<LogLevel>(5), any<LogFormat>(2), coin() ? "/tmp/a \"b\"" : "", coin(),
                  static_cast<unsigned>(1 + below(1000))};
    config.limits.connections = below(1000);
    config.limits.connections_per_ip = below(100);
    config.limits.accept_rate = rate();
    config.limits.header_size = 1024 + below(100'000);
    config.limits.history_memory = (1 << 20) + below(1 << 30);
    config.limits.body_timeout = Milliseconds(1 + below(86'400'000));
    config.limits.handshake_timeout = Milliseconds(1 + below(86'400'000));
    config.limits.close_timeout = Milliseconds(1000 * (1 + below(60)));
    config.limits.route = limits();
    for (std::uint64_t i = 0; i <= below(3); ++i) config.listen.push_back(listen(i));
    for (std::uint64_t i = 0; i <= below(5); ++i) {
      config.routes.push_back(route(i));
      if (config.routes.back().type == RouteType::publish)
        config.routes.back().compression = config.compression.enabled;
    }
    for (std::uint64_t i = 0; i < below(4); ++i) config.topics.push_back(topic(i));
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

  std::uint32_t rate() { return coin() ? 0 : static_cast<std::uint32_t>(below(1'000'000'001)); }

  Listen listen(std::uint64_t i) {
    Listen listen{"l" + std::to_string(i), {}, 0, {}, tls()};
    switch (below(3)) {
      case 0:
        listen.host = coin() ? "::1" : "10.0.0.1";
        listen.port = port(i);
        listen.defer_accept = coin();
        break;
      case 1:
        listen.path = "/run/peal \"" + std::to_string(i) + '"';
        listen.mode = static_cast<std::uint32_t>(below(01000));
        if (coin()) listen.owner = listen.group = "root";
        break;
      case 2:
        listen.activation = "web-" + std::to_string(i);
        break;
    }
    const std::vector<std::string> trust{"10.0.0.0/8", "::1", "unix"};
    listen.proxy = {any<ProxyProtocol>(4), trust};
    listen.forwarded = {any<ForwardedHeader>(3), trust};
    return listen;
  }

  std::optional<Tls> tls() {
    if (coin()) return std::nullopt;
    Tls tls{{}, coin() ? "" : "/ca \"1\".crt", any<TlsVersion>(2)};
    for (std::uint64_t i = 0; i <= below(2); ++i)
      tls.certificates.push_back({"/c" + std::to_string(i), "/k" + std::to_string(i)});
    return tls;
  }

  RouteLimits limits() {
    const std::uint64_t message = 1 + below(1 << 20);
    return {message,
            static_cast<std::uint32_t>(1 + below(1 << 24)),
            1 + below(1 << 30),
            std::max<std::uint64_t>(message, 4096) << below(3),
            any<SlowClient>(3),
            rate(),
            Milliseconds(below(2) * below(100'000)),
            Milliseconds(1 + below(100'000)),
            Milliseconds(60'000 * below(3))};
  }

  Route route(std::uint64_t i) {
    Route route;
    // The last segment keeps any two from a tie.
    route.name = "route-" + std::to_string(i);
    route.path = "/{a}/q\"\\ü/" + std::to_string(i);
    route.type = any<RouteType>(5);
    if (coin()) route.hosts = {"a.example.com", "*.example.com", "[::1]"};
    if (coin()) route.origins = {"https://*.example.com:8443"};
    if (coin()) route.listen = {"l0"};
    if (coin()) route.auth = Auth{"/dev/null"};
    route.limits = limits();
    if (route.type == RouteType::publish) {
      route.topics = {"t/{a}", "u"};
      return route;
    }
    if (coin()) route.subprotocols = {"chat", "v1'"};
    route.compression = coin();
    if (route.type == RouteType::pubsub) pubsub(route);
    if (route.type == RouteType::files) route.root = "/";
    return route;
  }

  void pubsub(Route& route) {
    route.topics = {"t/{a}", "quote \" and \\"};
    route.publish = any<PublishPolicy>(3);
    route.publish_to = route.topics[below(2)];
    route.include_sender = coin();
    route.select = any<TopicSelect>(2);
    route.max_topics = static_cast<std::uint32_t>(1 + below(1024));
    if (coin()) route.transports = {any<Transport>(3), any<Transport>(3)};
    if (coin()) route.replay = Replay{static_cast<std::uint32_t>(below(1'000'001))};
    if (route.select == TopicSelect::route) return;
    route.topics.push_back("a/*/{a}/**");
    route.wildcards = coin();
    if (route.publish != PublishPolicy::anyone && coin()) route.publish_to.clear();
  }

  Topic topic(std::uint64_t i) {
    // The first segment keeps any two from a tie.
    Topic topic{"t" + std::to_string(i), 't' + std::to_string(i) + "/*/\"x\"/**", std::nullopt, 0};
    if (coin())
      topic.history = History{static_cast<std::uint32_t>(below(1'000'001)),
                              Milliseconds(below(2) * below(1'000'000))};
    topic.rate = static_cast<std::uint32_t>(below(1001));
    return topic;
  }

  std::mt19937_64 random_;
};

TEST_CASE("print: what is printed loads back equal") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  RandomConfig random(seed);
  for (std::uint64_t i = 0; i < peal::test::rounds(100); ++i) {
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
  config.listen.push_back({"l", "::1", 80, {}});
  config.routes.push_back({});
  config.routes.back().name = "x";
  std::string text;
  for (const Setting& setting : settings(config))
    text += setting.table + '.' + setting.key + " = " + setting.value + '\n';
  for (const char* line :
       {"route.x.limits.ping_interval = \"25s\"\n", "route.x.limits.message_rate = \"0/s\"\n",
        "route.x.compression = true\n", "route.x.auth = \"none\"\n", "listen.l.tls = \"none\"\n",
        "compression.min_size = \"64\"\n", "limits.accept_rate = \"0/s\"\n"})
    CHECK_MESSAGE(text.find(line) != std::string::npos, line);
}

TEST_CASE("print: where the tokens are, not what they are") {
  const Folder folder;
  const std::string file = folder.file("open-sesame\n", "tokens");
  Config config;
  config.routes.push_back({});
  config.routes.back().auth = Auth{file};
  const std::string text = print(config);
  CHECK(text.find("bearer_file = \"" + file) != std::string::npos);
  CHECK(text.find("sesame") == std::string::npos);
}

}  // namespace
}  // namespace peal::config
