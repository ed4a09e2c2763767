// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/dispatcher.h"
#include "server/notices.h"
#include "tests/fuzz/server_stream.h"
#include "tests/sim/sim_backend.h"
#include "tests/support/test_shard.h"
#include "tests/support/tls_peer.h"

namespace peal::fuzz {

/// One end of a connection to a World.
struct Client {
  static constexpr std::size_t kAll = std::string::npos;

  /// `certificates`: those of the client's side; null for a connection without TLS.
  Client(sim::SimSocket& its_socket, const tls::Context* certificates)
      : socket(its_socket), stream(asked) {
    if (certificates) tls.emplace(*certificates);
  }

  /// Queues octets to be written as the socket takes them; what is above a limit is dropped.
  void write(std::string_view octets);
  /// Has written all, and it is on its way.
  bool silent() const { return taken == asked.size() && outgoing.empty(); }

  sim::SimSocket& socket;
  std::optional<test::TlsPeer> tls;
  std::string asked;            ///< all that was ever written
  ServerStream stream;          ///< what came back
  std::size_t taken = 0;        ///< octets of `asked` that are in `outgoing` or beyond
  std::string outgoing;         ///< for the socket, encrypted where there is TLS
  bool said_goodbye = false;    ///< close_notify is on its way
  std::size_t appetite = kAll;  ///< octets it reads in a turn
  bool ends = false;            ///< shuts its side down when all is written
  bool broken = false;          ///< broken off by the client, or by a failed send
  bool honest = false;          ///< answers pings and closes
  std::size_t pings_answered = 0;
};

/// What varies from one World to another.
struct Setup {
  std::uint64_t seed = 0;
  std::size_t shards = 1;
  bool sends_at_once = false;
  bool tls = false;
};

/// A server on simulated back ends, some clients that do as they like, and honest ones among them.
/// After each turn it sees that memory is within its bounds. What is wrong stops the process.
///
/// Owner: one run of the fuzz target. Thread: one.
class World {
 public:
  explicit World(const Setup& setup);

  /// A client of any kind. Reference: valid as long as the World.
  Client& connect(std::string_view target = {});

  void set_habits(const sim::Habits& habits);
  /// Each client reads and writes, each shard has a turn.
  void turn();
  /// Turns until nothing is under way, or `most` of them.
  void settle(int most);
  /// Lets time pass in steps that no time-out is longer than.
  void pass(Duration time);
  void drain();

  /// An honest client sends a message and hears it; `again`: on a new connection.
  void neighbour_speaks(bool again);
  /// An honest client says something to a room.
  void publisher_speaks(std::size_t size);

  /// Nobody but the honest says a word any more: all others are gone in time. Then the honest go as
  /// well, and nothing is left of anybody.
  void finish();

  std::deque<Client> clients;  ///< the honest ones apart
  /// Turns so far: what a run costs.
  int turns() const { return turns_; }

 private:
  struct Shard {
    Shard(std::size_t index, World& world);

    sim::SimBackend* backend;
    conn::ListenerPolicy listener;
    server::Dispatcher dispatcher;
    test::TestShard<server::Dispatcher> shard;
  };

  Client& connect_honest(std::string_view target);
  Client& open_socket(std::deque<Client>& group);
  void step(Client& client);
  void hear(Client& client, std::size_t most);
  void speak(Client& client);
  void answer(Client& client);
  void check_bounds();
  std::size_t connections() const;
  void check_nothing_left();

  const Setup setup_;
  sim::Habits habits_;
  hub::Mesh mesh_;
  conn::Admission admission_{1000};
  server::Notices notices_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::deque<Client> honest_;
  Client* neighbour_ = nullptr;
  Client* publisher_ = nullptr;
  bool draining_ = false;
  int turns_ = 0;
  int said_ = 0;
};

/// The opening handshake for `target`, with a key that is always the same, and more field lines.
std::string handshake(std::string_view target, std::string_view fields = {});

/// A masked frame whose first octet may be any.
std::string client_frame(std::uint8_t first, std::string_view payload);

}  // namespace peal::fuzz
