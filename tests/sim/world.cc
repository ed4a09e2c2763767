// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <algorithm>
#include <map>

#include "config/load.h"
#include "core/base/hash.h"
#include "server/log.h"

namespace peal::sim {
namespace {

struct LoadedSite {
  config::Config config;
  std::unique_ptr<server::Site> site;
};

/// One for all, as a route has one number whatever configuration it is in.
server::Labels& labels() {
  static server::Labels all;
  return all;
}

/// Sites are immutable, so that all worlds with the same routes share one.
const server::Site& site_of(const std::string& routes) {
  static std::map<std::string, LoadedSite> sites;
  LoadedSite& loaded = sites[routes];
  if (!loaded.site) {
    const std::string text = "[listen.a]\naddress = \"127.0.0.1:0\"\n" + routes;
    auto made = config::load_text(text, "world.toml");
    for (const config::Problem& problem : made.problems) FAIL_CHECK(problem.text());
    loaded.config = std::move(made.config.value());
    loaded.site =
        std::make_unique<server::Site>(server::Site::make(loaded.config, labels()).value());
  }
  return *loaded.site;
}

}  // namespace

World::Shard::Shard(std::size_t index, World& world, const Habits& habits)
    : backend(new SimBackend(world.random_(), habits)),
      dispatcher(*world.site_, {&listener, 1}, {}, world.notices_),
      shard(static_cast<hub::ShardIndex>(index), std::unique_ptr<io::Backend>(backend), world.mesh_,
            world.admission_, world.draw_limits(), dispatcher, test::FakeClock::now) {
  dispatcher.attach(shard.table, shard.hub);
  backend->accept(0, -1);
}

World::World(std::uint64_t seed, const std::string& routes, bool rough)
    : random_(seed),
      site_(&site_of(routes)),
      mesh_(static_cast<hub::ShardIndex>(1 + seed % 3)),
      notices_(mesh_.shards()) {
  test::FakeClock::reset();
  config::Log log;
  log.level = config::LogLevel::error;  // limits are met on purpose
  PEAL_CHECK(server::log::set_up(log));
  process_hash_key() = {.first = seed};  // it chooses the homes of topics
  for (std::size_t i = 0; i < mesh_.shards(); ++i)
    shards_.push_back(std::make_unique<Shard>(i, *this, draw_habits(rough)));
}

conn::TableLimits World::draw_limits() {
  static constexpr std::size_t kDirect[] = {2, 100, 64 << 10};
  return {.direct_from = kDirect[below(std::size(kDirect))]};
}

Habits World::draw_habits(bool rough) {
  static constexpr double kRates[] = {0, 0, 0.05, 0.4};
  const auto rate = [this] { return kRates[below(std::size(kRates))]; };
  return {.sends_at_once = one_in(2),
          .late = rate(),
          .cut = rate(),
          .unarm = rate(),
          .starve = rate(),
          .short_send = rate(),
          .send_error = rough ? 0.01 : 0,
          .accept_error = rate()};
}

std::optional<ws::DeflateOffer> World::draw_offer() {
  if (one_in(3)) return {};
  const auto bits = [this]() -> std::uint8_t {
    return one_in(2) ? 0 : static_cast<std::uint8_t>(8 + below(8));
  };
  return ws::DeflateOffer{.server_no_context_takeover = one_in(3),
                          .client_no_context_takeover = one_in(3),
                          .server_max_window_bits = bits(),
                          .client_max_window_bits = bits()};
}

Client& World::connect(std::string_view target, std::optional<ws::DeflateOffer> offer) {
  const std::size_t shard = below(shards_.size());
  Client& client = clients.emplace_back(random_(), shards_[shard]->backend->connect(), shard);
  client.unsent = client.peer.handshake(target, offer);
  if (one_in(2)) client.socket.window = 1 + below(100'000);
  return client;
}

void World::kill(Client& client) {
  client.killed = true;
  client.socket.reset();
}

void World::change(const std::string& routes) {
  const std::string text = "[listen.a]\naddress = \"127.0.0.1:0\"\n" + routes;
  auto loaded = config::load_text(text, "world.toml");
  for (const config::Problem& problem : loaded.problems) FAIL_CHECK(problem.text());
  editions_.push_back(server::Edition::make(std::move(loaded.config.value()), labels()).value());
  site_ = &*editions_.back()->site;
  for (const auto& shard : shards_) shard->next = site_;
}

void World::turn(Shard& shard) {
  test::FakeClock::advance(std::chrono::microseconds(1));
  if (const server::Site* next = std::exchange(shard.next, nullptr)) {
    shard.dispatcher.set_site(*next);
    shard.rebinding.begin(*next, {}, 1);
  }
  shard.rebinding.work();
  REQUIRE(shard.shard.turn());
}

void World::step() {
  step_without(shards_.size());
}

void World::step_without(std::size_t sleeping) {
  const std::size_t shard = below(shards_.size());
  if (shard != sleeping) turn(*shards_[shard]);
  if (!clients.empty()) client_step(clients[below(clients.size())], 1 + below(20'000));
}

/// Writes a piece, reads a piece, and answers the end of the other side by its own.
void World::client_step(Client& client, std::size_t most) {
  if (client.reads) client.peer.take(client.socket.read(most));
  if (client.socket.was_reset()) client.killed = true;
  client.socket.write(std::string_view(client.unsent).substr(0, most));
  client.unsent.erase(0, most);
  const bool over = client.peer.close_code || client.socket.ended();
  if (over || (client.ends && client.unsent.empty())) client.socket.shut_down_write();
}

bool World::congested() const {
  return std::ranges::any_of(shards_,
                             [](const auto& shard) { return shard->shard.hub.congested(); });
}

bool World::quiet() {
  for (const Client& client : clients)
    if (!client.unsent.empty() || (client.reads && client.socket.unread() > 0)) return false;
  for (const auto& shard : shards_)
    if (shard->backend->busy() || shard->shard.work_left || shard->shard.hub.has_mail())
      return false;
  return true;
}

/// Nobody has anything of routes before the last change() any more: they end.
bool World::all_changed() {
  for (const auto& shard : shards_)
    if (shard->next || !shard->rebinding.done()) return false;
  if (editions_.size() > 1) editions_.erase(editions_.begin(), editions_.end() - 1);
  return true;
}

void World::settle() {
  constexpr int kMost = 100'000;
  int rounds = 0;
  do {
    REQUIRE(++rounds < kMost);
    for (Client& client : clients) client_step(client, std::string::npos);
    for (const auto& shard : shards_) turn(*shard);
    // It looks at times whether connections that were to end have done so.
    if (quiet() && !all_changed()) test::FakeClock::advance(std::chrono::milliseconds(10));
  } while (!quiet() || !all_changed());
}

void World::finish() {
  for (Client& client : clients) {
    client.reads = true;
    client.socket.window = 1 << 20;
    switch (below(3)) {
      case 0:
        if (client.peer.accepted()) client.unsent += client.peer.close(1000);
        client.ends = true;
        break;
      case 1:
        client.ends = true;
        break;
      default:
        kill(client);
    }
  }
  settle();
  for (const auto& shard : shards_) {
    for (const std::string& complaint : shard->backend->complaints()) FAIL_CHECK(complaint);
    REQUIRE(shard->shard.turn(std::nullopt));
    // No timer is left, and nothing to do.
    CHECK(shard->backend->last_timeout() == io::Reactor::kLongestWait);
    CHECK(shard->shard.all_given_back());
    CHECK(shard->backend->open_sockets() == 0);
  }
  CHECK(admission_.open == 0);
}

}  // namespace peal::sim
