// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/connection_world.h"

#include <algorithm>

#include "config/load.h"
#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/ws/frame_header.h"
#include "server/log.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_clock.h"

namespace peal::fuzz {
namespace {

using test::FakeClock;

constexpr std::size_t kMessageSize = 4 << 10;
constexpr std::size_t kQueueSize = 16 << 10;
constexpr conn::TableLimits kLimits{.header_size = 2 << 10, .direct_from = 64};
constexpr Duration kPingInterval = std::chrono::seconds(25);
constexpr Duration kPongTimeout = std::chrono::seconds(15);

constexpr std::string_view kConfig = R"(
[listen.plain]
address = "127.0.0.1:0"

[limits]
message_size = "4KiB"
queue_size = "16KiB"
ping_interval = "25s"
pong_timeout = "15s"

[route.echo]
path = "/echo"
type = "echo"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.deaf]
path = "/deaf/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
include_sender = false

[route.patient]
path = "/patient/{room}"
type = "pubsub"
topics = ["chat/{room}"]
limits = { slow_client = "drop" }

[route.choice]
path = "/choice"
type = "pubsub"
select = "query"
topics = ["chat/**"]
wildcards = true
publish = "anyone"
publish_to = "chat/a"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.health]
path = "/healthz"
type = "health"
)";

constexpr std::size_t kSocketBuffer = 64 << 10;  // octets on their way to the server
constexpr std::size_t kMostWritten = 256 << 10;  // octets from one client
constexpr int kMostTurns = 5000;                 // for an echo, under the worst habits
constexpr int kTurnsOfSlice = 100;
constexpr Duration kSlice = std::chrono::seconds(1);

/// What one connection may cost a shard, in octets: a full queue of answers (of HTTP, the larger),
/// a message in pieces and one that is passed on, and input held back, at most a socket buffer;
/// with TLS, a record that is not complete and what is encrypted for a few sends. A block is up to
/// twice as large as what it was taken for.
constexpr std::size_t kHttpQueue = 64 << 10;
constexpr std::size_t kBound =
    2 * (kHttpQueue + kQueueSize + 2 * kMessageSize + kLimits.header_size + kSocketBuffer +
         2 * io::BufferPool::kSize);
constexpr std::size_t kTlsBound = 2 * (17 << 10) + kSocketBuffer;

const server::Site& site() {
  static const config::Config config = config::load_text(kConfig, "/fuzz.toml").config.value();
  static server::Labels labels;
  static const server::Site made = server::Site::make(config, labels).value();
  return made;
}

const tls::Context& server_certificates() {
  static const test::TemporaryFolder folder;
  static tls::TicketKeys keys;
  static const auto context = [] {
    tls::ServerOptions options;
    options.certificates.push_back(folder.write("site", test::make_certificate({})));
    return tls::Context::make_server(options, keys).value();
  }();
  return *context;
}

const tls::Context& client_certificates() {
  static const auto context = [] {
    tls::ClientOptions options;
    options.insecure = true;
    return tls::Context::make_client(options).value();
  }();
  return *context;
}

}  // namespace

std::string handshake(std::string_view target, std::string_view fields) {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n" +
         std::string(fields) + "\r\n";
}

std::string client_frame(std::uint8_t first, std::string_view payload) {
  std::string octets(ws::client_header_size(payload.size()), '\0');
  constexpr std::uint32_t kKey = 0;  // the payload can be read in a corpus
  ws::write_client_header(reinterpret_cast<std::byte*>(octets.data()), ws::Opcode::text, true,
                          payload.size(), kKey);
  octets[0] = static_cast<char>(first);
  octets += payload;
  return octets;
}

void Client::write(std::string_view octets) {
  if (!ends) asked += octets.substr(0, kMostWritten - std::min(kMostWritten, asked.size()));
}

World::Shard::Shard(std::size_t index, World& world)
    : backend(new sim::SimBackend(world.setup_.seed + index, world.habits_)),
      listener{.certificates = world.setup_.tls ? &server_certificates() : nullptr},
      dispatcher(site(), {&listener, 1}, kLimits, world.notices_),
      shard(static_cast<hub::ShardIndex>(index), std::unique_ptr<io::Backend>(backend), world.mesh_,
            world.admission_, kLimits, dispatcher, FakeClock::now) {
  dispatcher.attach(shard.table, shard.hub);
  backend->accept(0, -1);
}

World::World(const Setup& setup)
    : setup_(setup),
      habits_{.sends_at_once = setup.sends_at_once},
      mesh_(static_cast<hub::ShardIndex>(setup.shards)),
      notices_(static_cast<unsigned>(setup.shards)) {
  FakeClock::reset();
  config::Log log;
  log.level = config::LogLevel::error;  // limits are met on purpose
  PEAL_CHECK(server::log::set_up(log));
  process_hash_key() = {.first = setup.seed};  // it chooses the homes of topics
  for (std::size_t i = 0; i < setup.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(i, *this));
  neighbour_ = &connect_honest("/echo");
  publisher_ = &connect_honest("/chat/a");
  settle(kMostTurns);
}

Client& World::open_socket(std::deque<Client>& group) {
  sim::SimSocket& socket = shards_[group.size() % shards_.size()]->backend->connect();
  return group.emplace_back(socket, setup_.tls ? &client_certificates() : nullptr);
}

Client& World::connect(std::string_view target) {
  Client& client = open_socket(clients);
  if (!target.empty()) client.write(handshake(target));
  return client;
}

Client& World::connect_honest(std::string_view target) {
  Client& client = open_socket(honest_);
  client.honest = true;
  client.write(handshake(target));
  return client;
}

void World::set_habits(const sim::Habits& habits) {
  habits_ = habits;
  habits_.sends_at_once = setup_.sends_at_once;
  for (const auto& shard : shards_) shard->backend->habits = habits_;
}

// ---- Time --------------------------------------------------------------------------------------

void World::hear(Client& client, std::size_t most) {
  std::string octets = client.socket.read(most);
  if (client.tls) {
    client.tls->take(octets);
    octets = std::exchange(client.tls->received, {});
  }
  client.stream.take(octets);
}

/// Moves what is asked on to the socket, through TLS where there is any.
void World::speak(Client& client) {
  const std::string_view fresh = std::string_view(client.asked).substr(client.taken);
  if (!client.tls) {
    client.outgoing += fresh;
    client.taken = client.asked.size();
  } else {
    const auto state = client.tls->state();
    using State = test::TlsPeer::State;
    if (!fresh.empty() && (state == State::open || state == State::ended)) {
      client.tls->write(fresh);
      client.taken = client.asked.size();
    }
    if (client.ends && client.taken == client.asked.size() && !client.said_goodbye) {
      client.said_goodbye = true;
      client.tls->shut_down();
    }
    client.outgoing += client.tls->take_output();
  }
  const std::size_t room = kSocketBuffer - std::min(kSocketBuffer, client.socket.unreceived());
  client.socket.write(std::string_view(client.outgoing).substr(0, room));
  client.outgoing.erase(0, room);
  if (client.ends && client.silent()) client.socket.shut_down_write();
}

void World::step(Client& client) {
  hear(client, client.appetite);
  if (client.honest) answer(client);
  speak(client);
}

/// Pongs for pings, a close frame for a close frame, and the end when the server has ended.
void World::answer(Client& client) {
  ServerStream& stream = client.stream;
  for (; client.pings_answered < stream.pings.size(); ++client.pings_answered)
    client.write(client_frame(0x8a, stream.pings[client.pings_answered]));
  if (stream.close_code && !client.ends) client.write(client_frame(0x88, "\x03\xe8"));
  if (stream.close_code || client.socket.ended()) client.ends = true;
}

void World::turn() {
  ++turns_;
  for (Client& client : clients) step(client);
  for (Client& client : honest_) step(client);
  FakeClock::advance(std::chrono::microseconds(1));
  for (const auto& shard : shards_) PEAL_CHECK(shard->shard.turn());
  check_bounds();
}

void World::settle(int most) {
  const auto busy = [](const std::unique_ptr<Shard>& shard) {
    return shard->backend->busy() || shard->shard.work_left || shard->shard.hub.has_mail();
  };
  const auto talking = [](const Client& client) {
    return !client.silent() || (client.appetite > 0 && client.socket.unread() > 0);
  };
  for (int turns = 0; turns < most; ++turns) {
    turn();
    if (std::ranges::none_of(shards_, busy) && std::ranges::none_of(honest_, talking)) return;
  }
}

void World::pass(Duration time) {
  while (time > Duration::zero()) {
    const Duration slice = std::min(time, kSlice);
    FakeClock::advance(slice);
    time -= slice;
    settle(kTurnsOfSlice);
  }
}

void World::drain() {
  if (draining_) return;
  draining_ = true;
  for (const auto& shard : shards_) {
    shard->backend->stop_accept(0, -1);
    shard->dispatcher.begin_drain();
    shard->shard.table.close_all(ws::CloseCode::going_away, "this server is going down");
  }
}

// ---- The honest --------------------------------------------------------------------------------

void World::neighbour_speaks(bool again) {
  if (draining_) return;
  if (again) {
    neighbour_->write(client_frame(0x88, "\x03\xe8"));
    neighbour_ = &connect_honest("/echo");
  }
  const std::size_t heard = neighbour_->stream.messages.size();
  const std::string text = "message " + std::to_string(++said_);
  neighbour_->write(client_frame(0x81, text));
  for (int turns = 0; neighbour_->stream.messages.size() == heard; ++turns) {
    PEAL_CHECK(turns < kMostTurns);  // an honest client is served, whatever the others do
    turn();
  }
  PEAL_CHECK(neighbour_->stream.messages.back() == text);
}

void World::publisher_speaks(std::size_t size) {
  publisher_->write(client_frame(0x81, std::string(size, 'p')));
}

// ---- Bounds ------------------------------------------------------------------------------------

std::size_t World::connections() const {
  std::size_t count = 0;
  for (const auto& shard : shards_) count += shard->shard.table.size();
  return count;
}

/// With several shards, what lies in the mesh is bounded by its queues, which is no news here.
void World::check_bounds() {
  if (shards_.size() > 1) return;
  hub::Memory& memory = shards_[0]->shard.memory;
  const std::size_t bound = (kBound + (setup_.tls ? kTlsBound : 0)) * connections();
  PEAL_CHECK(memory.blocks.bytes_out() <= bound);
  PEAL_CHECK(memory.segments.out() * hub::Outbox::kSegmentCost <= bound);
  PEAL_CHECK(memory.messages.out() * BlockPool::kMinBlock <= bound);
}

void World::finish() {
  neighbour_speaks(false);
  for (Client& client : clients) {
    client.asked.resize(client.taken);
    client.outgoing.clear();
    client.appetite = 0;
    // A stream goes on for as long as its client's kernel takes something.
    if (client.asked.find("text/event-stream") != std::string::npos) {
      client.broken = true;
      client.socket.reset();
    }
  }
  habits_.short_send = 0;  // the rest of a ping that goes out later would count as life
  set_habits(habits_);
  const Duration open = kPingInterval + kPongTimeout;
  const Duration longest =
      draining_ ? kLimits.handshake_timeout + 2 * kLimits.close_timeout
                : std::max(open, kLimits.handshake_timeout) + 2 * kLimits.close_timeout;
  pass(longest + kLimits.send_timeout + 3 * kSlice);  // timers are rounded up
  const auto alive =
      std::ranges::count_if(honest_, [](const Client& client) { return !client.socket.closed(); });
  PEAL_CHECK(connections() == (draining_ ? 0 : static_cast<std::size_t>(alive)));

  for (Client& client : clients) {
    hear(client, Client::kAll);
    const bool whole = client.socket.closed() && !client.socket.was_reset() && !client.broken;
    PEAL_CHECK(!whole || client.stream.complete());
    // The end is not to be taken for an attacker's cut (RFC 8446 section 6.1); a close frame says
    // as much to a client that does not answer it.
    if (whole && client.tls && client.stream.answers > 0 && !client.stream.close_code)
      PEAL_CHECK(client.tls->state() != test::TlsPeer::State::open);
  }
  for (Client& client : honest_) {
    PEAL_CHECK(!draining_ || client.stream.close_code);
    if (!client.ends) client.write(client_frame(0x88, "\x03\xe8"));
  }
  settle(kMostTurns);
  check_nothing_left();
}

void World::check_nothing_left() {
  for (const auto& shard : shards_) {
    PEAL_CHECK(shard->backend->complaints().empty());
    PEAL_CHECK(shard->shard.turn(std::nullopt));
    // No timer is left, and nothing to do.
    PEAL_CHECK(shard->backend->last_timeout() == io::Reactor::kLongestWait);
    PEAL_CHECK(shard->shard.all_given_back());
    PEAL_CHECK(shard->backend->open_sockets() == 0);
  }
  PEAL_CHECK(admission_.open == 0);
}

}  // namespace peal::fuzz
