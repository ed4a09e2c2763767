// SPDX-License-Identifier: Apache-2.0
// Other routes while clients are connected.
#include <array>
#include <string>

#include "tests/sim/world.h"

namespace peal::sim::reload_test {
namespace {

const std::string kRoom = R"(
[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"
)";
const std::string kStrict = "limits = { message_size = \"1KiB\", ping_interval = \"5s\" }\n";
// A route that comes and goes, or becomes another.
const std::string kTide = R"(
[route.tide]
path = "/tide/{name}"
type = "pubsub"
topics = ["room/{name}"]
)";
const std::string kOtherTide = R"(
[route.tide]
path = "/tide/{name}"
type = "echo"
)";
const std::array<std::string, 4> kConfigs{kRoom + kTide, kRoom + kStrict + kTide, kRoom,
                                          kRoom + kOtherTide};

std::string numbered(std::size_t number) {
  return std::to_string(number) + std::string(number * 7 % 900, '.');
}

TEST_CASE("Rebinding: who stays hears everything in order, who does not is told to go") {
  for_seeds(300, [](std::uint64_t seed) {
    World world(seed, kConfigs[0]);
    Client& speaker = world.connect("/room/a");
    std::vector<Client*> stay{&speaker};
    for (int i = 0; i < 3; ++i) stay.push_back(&world.connect("/room/a", world.draw_offer()));
    std::vector<Client*> go{&world.connect("/tide/a"), &world.connect("/tide/b")};
    world.settle();
    std::size_t said = 0;
    for (int round = 0; round < 60; ++round) {
      if (world.one_in(2)) speaker.unsent += speaker.peer.text(numbered(said++));
      if (world.one_in(10)) world.change(kConfigs[world.below(kConfigs.size())]);
      for (std::size_t steps = world.below(20); steps > 0; --steps) world.step();
    }
    world.change(kConfigs[2]);
    world.settle();
    for (const Client* client : stay) {
      CHECK(client->peer.error.empty());
      CHECK_FALSE(client->peer.close_code);
      REQUIRE(client->peer.messages.size() == said);
      for (std::size_t i = 0; i < said; ++i) CHECK(client->peer.messages[i].payload == numbered(i));
    }
    for (const Client* client : go) CHECK(client->peer.close_code == 1001);
    Client& late = world.connect("/tide/a");
    world.settle();
    CHECK(late.peer.status() == 404);
    world.finish();
  });
}

}  // namespace
}  // namespace peal::sim::reload_test
