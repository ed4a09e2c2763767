// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "server/dispatcher.h"
#include "server/rebinding.h"
#include "server/reload.h"
#include "tests/sim/sim_backend.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rounds.h"
#include "tests/support/test_shard.h"
#include "tests/support/ws_peer.h"

namespace peal::sim {

/// A client of a World: what it sends, where it stands.
struct Client {
  Client(std::uint64_t seed, SimSocket& its_socket, std::size_t its_shard)
      : peer(seed), socket(its_socket), shard(its_shard) {}

  test::WsPeer peer;
  SimSocket& socket;
  std::size_t shard;
  std::string unsent;   ///< written in pieces
  bool ends = false;    ///< shuts its side down when all is written
  bool reads = true;    ///< takes what arrives
  bool killed = false;  ///< one side has broken the connection off
};

/// Servers with 1 to 3 shards and their clients, in one thread. Everything that may vary does, by
/// the seed: habits of the kernels, order of the shards, pieces, pauses.
class World {
 public:
  /// `routes`: tables of a configuration. A `rough` world breaks connections off now and then.
  World(std::uint64_t seed, const std::string& routes, bool rough = false);

  /// A new client of a shard that is drawn.
  Client& connect(std::string_view target, std::optional<ws::DeflateOffer> offer = {});
  /// No offer of compression, or any.
  std::optional<ws::DeflateOffer> draw_offer();

  /// One turn of a shard that is drawn, or something that a client does.
  void step();
  /// The same, but shard `sleeping` has no turn.
  void step_without(std::size_t sleeping);
  /// Other routes from now on, on each shard in a turn of its own.
  void change(const std::string& routes);
  /// Steps until nothing is under way any more.
  void settle();

  /// Ends every client, one way or another, and sees that nothing is left of any.
  void finish();

  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  void kill(Client& client);
  std::size_t shards() const { return shards_.size(); }
  /// A shard makes its publishers wait.
  bool congested() const;
  SimBackend& backend(std::size_t shard) { return *shards_[shard]->backend; }

  std::deque<Client> clients;

 private:
  struct Shard {
    Shard(std::size_t index, World& world, const Habits& habits);

    SimBackend* backend;
    conn::ListenerPolicy listener;
    server::Dispatcher dispatcher;
    test::TestShard<server::Dispatcher> shard;
    server::Rebinding rebinding{shard.table};
    const server::Site* next = nullptr;  // to change to
  };

  Habits draw_habits(bool rough);
  conn::TableLimits draw_limits();
  void turn(Shard& shard);
  void client_step(Client& client, std::size_t most);
  bool quiet();
  bool all_changed();

  std::mt19937_64 random_;
  const server::Site* site_;
  std::vector<std::shared_ptr<const server::Edition>> editions_;  // of change(), the last one last
  hub::Mesh mesh_;
  conn::Admission admission_{1000};
  server::Notices notices_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

/// The same routes with context takeover.
inline std::string with_takeover(const std::string& routes) {
  return "[compression]\ncontext_takeover = true\n" + routes;
}

/// Runs a scenario with each seed from 1 to `count`, fewer under a sanitizer; PEAL_SEED=N runs that
/// one alone.
template <class Scenario>
void for_seeds(std::uint64_t count, Scenario&& scenario) {
  const char* only = std::getenv("PEAL_SEED");
  std::uint64_t seed = only ? std::strtoull(only, nullptr, 10) : 1;
  for (const std::uint64_t last = only ? seed : test::rounds(count); seed <= last; ++seed) {
    CAPTURE(seed);
    scenario(seed);
  }
}

}  // namespace peal::sim
