// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/sim/world.h"

namespace peal::sim {
namespace {

using ws::Opcode;
using Message = test::WsPeer::Message;

const std::string kRoutes = R"(
[route.echo]
path = "/echo"
type = "echo"
limits = { message_size = "64KiB", queue_size = "64KiB" }
)";

/// What one client has sent and so should get back.
struct Script {
  std::vector<Message> messages;
  std::vector<std::string> pings;
  bool closes = false;
};

std::string random_payload(World& world) {
  constexpr std::size_t kSizes[] = {0, 10, 125, 126, 300, 16'300, 16'500, 65'536};
  std::string payload(world.below(kSizes[world.below(std::size(kSizes))] + 1), '\0');
  const auto first = world.below(26);
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>('a' + (first + i * 11 / 7) % 26);
  return payload;
}

void add_ping(World& world, Client& client, Script& script) {
  script.pings.push_back(random_payload(world).substr(0, 125));
  client.unsent += client.peer.ping(script.pings.back());
}

/// How a client will compress, by what it knows of the server.
struct Compression {
  bool on = false;
  bool context = false;
};

/// A message, perhaps in fragments with pings in between.
void add_message(World& world, Client& client, Script& script, const Compression& compression) {
  const Message message{world.one_in(2) ? Opcode::text : Opcode::binary, random_payload(world)};
  script.messages.push_back(message);
  const bool compressed = compression.on && !world.one_in(3);
  const std::string payload =
      compressed ? client.peer.deflate(message.payload, compression.context) : message.payload;
  std::string_view rest = payload;
  Opcode opcode = message.opcode;
  bool marked = compressed;
  while (world.one_in(3)) {
    const std::size_t size = world.below(rest.size() + 1);
    client.unsent += client.peer.frame(opcode, rest.substr(0, size), false, marked);
    rest.remove_prefix(size);
    opcode = Opcode::continuation;
    marked = false;
    if (world.one_in(2)) add_ping(world, client, script);
  }
  client.unsent += client.peer.frame(opcode, rest, true, marked);
}

Script talk(World& world, Client& client, const Compression& compression) {
  Script script;
  for (auto count = world.below(30); count > 0; --count) {
    if (world.one_in(4))
      add_ping(world, client, script);
    else
      add_message(world, client, script, compression);
  }
  script.closes = world.one_in(2);
  if (script.closes) client.unsent += client.peer.close(4000, "done");
  client.ends = world.one_in(2);
  return script;
}

bool is_prefix(const auto& part, const auto& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

/// The same order, with some left out.
bool is_selection(const auto& part, const auto& whole) {
  auto next = part.begin();
  for (const auto& each : whole)
    if (next != part.end() && *next == each) ++next;
  return next == part.end();
}

/// Of a flood of pings the last one is answered, and more or fewer of those before it.
void check_pongs(const std::vector<std::string>& pongs, const std::vector<std::string>& pings) {
  CHECK(pongs.empty() == pings.empty());
  if (!pings.empty()) CHECK(pongs.back() == pings.back());
}

void check(const Client& client, const Script& script, bool rough) {
  CHECK(client.peer.error == "");
  CHECK(is_prefix(client.peer.messages, script.messages));
  CHECK(is_selection(client.peer.pongs, script.pings));
  if (rough) return;
  CHECK(client.peer.accepted());
  CHECK(client.peer.messages.size() == script.messages.size());
  check_pongs(client.peer.pongs, script.pings);
  CHECK(client.peer.close_code.value_or(0) == (script.closes ? 4000 : 0));
  CHECK_FALSE(client.socket.was_reset());
  CHECK(client.socket.closed() == (script.closes || client.ends));
}

void run(std::uint64_t seed, bool rough) {
  const bool takeover = seed % 3 == 0;
  World world(seed, takeover ? with_takeover(kRoutes) : kRoutes, rough);
  std::vector<Script> scripts;
  for (auto count = 1 + world.below(4); count > 0; --count) {
    const auto offer = world.draw_offer();
    const bool context = offer && takeover && !offer->client_no_context_takeover;
    scripts.push_back(
        talk(world, world.connect("/echo", offer), {.on = offer.has_value(), .context = context}));
  }
  for (auto steps = world.below(300); steps > 0; --steps) {
    world.step();
    if (rough && world.one_in(50)) world.kill(world.clients[world.below(world.clients.size())]);
  }
  world.settle();
  for (std::size_t i = 0; i < scripts.size(); ++i) check(world.clients[i], scripts[i], rough);
  world.finish();
}

TEST_CASE("World: every message comes back as it was, whatever the kernel does") {
  for_seeds(1000, [](std::uint64_t seed) { run(seed, false); });
}

TEST_CASE("World: connections that break off leave nothing, and got nothing wrong") {
  for_seeds(1000, [](std::uint64_t seed) { run(seed, true); });
}

}  // namespace
}  // namespace peal::sim
