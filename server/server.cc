// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "config/units.h"
#include "core/base/check.h"
#include "core/base/counted.h"
#include "core/io/file_limit.h"
#include "server/cpus.h"
#include "server/log.h"

namespace peal::server {
namespace {

constexpr int kBeatsPerWatchdog = 4;              // so that one that comes late does no harm
constexpr std::chrono::seconds kStatusPeriod{5};  // between two figures for the service manager

/// Takes the whole hard limit of open files; returns it.
std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
    log::warn("the limit of open files cannot be asked for: {}; it is taken to be {}",
              strerrordesc_np(errno), io::file_limit());
  } else {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return io::file_limit();
}

conn::TableLimits table_limits(const config::Limits& limits) {
  return {.header_size = limits.header_size,
          .handshake_timeout = limits.handshake_timeout,
          .close_timeout = limits.close_timeout,
          .body_timeout = limits.body_timeout};
}

DrainPlan drain_plan(const config::Drain& drain) {
  return {.pause = drain.pause, .spread = {.over = drain.over, .jitter = drain.jitter}};
}

/// For poll(2).
int milliseconds_until(Instant time) {
  const auto left = std::chrono::ceil<config::Milliseconds>(time - Clock::now());
  return static_cast<int>(std::max(left, config::Milliseconds(0)).count());
}

}  // namespace

std::uint64_t connection_limit(std::uint64_t configured, std::uint64_t files, std::uint64_t rings) {
  // Nobody has asked for more than there are descriptors for.
  if (configured == 0) return io::most_connections(files, 0);
  const std::uint64_t possible = io::most_connections(files, rings);
  if (configured > possible)
    log::warn("limits.connections is {}, but the limit of open files ({}) allows {}", configured,
              files, possible);
  return std::min(configured, possible);
}

Server::Server(FreshConfig fresh, config::LoadOptions load)
    : load_{.path = std::move(load.path), .overrides = std::move(load.overrides)},
      first_config_(std::move(fresh.config)),
      first_stamps_(std::move(fresh.stamps)),
      listener_settings_(
          std::make_shared<const ListenerSettings>(first_config_, std::move(fresh.certificates))) {}

Server::~Server() {
  stop();
}

std::expected<void, std::string> Server::start() {
  if (auto heard = signals_.open(); !heard) return std::unexpected(heard.error().text());
  auto io = choose_io(first_config_.server.io);
  if (!io) return std::unexpected(io.error());
  io_ = std::move(*io);
  log::info("{}", io_->why);
  auto edition = Edition::make(std::move(first_config_), labels_);
  if (!edition) return std::unexpected(edition.error());
  edition_ = std::move(*edition);
  watch_files(std::exchange(first_stamps_, {}));
  drained_.reset(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK));
  updated_.reset(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK));
  released_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!drained_ || !updated_ || !released_)
    return std::unexpected(last_error("eventfd").error().text());

  const unsigned shards = config().server.threads > 0
                              ? config().server.threads
                              : static_cast<unsigned>(allowed_cpus().size());
  file_limit_ = raise_file_limit();
  rings_ = io_->uring && io_->features.aside ? shards : 0;
  const std::uint64_t most = connection_limit(config().limits.connections, file_limit_, rings_);
  log::info("{}, at most {}", counted(shards, "reactor"), counted(most, "connection"));
  mesh_.emplace(static_cast<hub::ShardIndex>(shards));
  admission_.emplace(most, config().limits.connections_per_ip, Rate(config().limits.accept_rate));
  notices_.emplace(shards);
  heartbeat_.emplace(shards, notify_.watchdog().value_or(Duration::zero()) / kBeatsPerWatchdog);
  if (auto started = start_metrics(shards); !started) return started;
  auto doors = open_doors(shards);
  if (!doors) return std::unexpected(doors.error());
  return start_shards(std::move(*doors));
}

std::expected<void, std::string> Server::start_metrics(unsigned shards) try {
  metrics_.emplace(
      MetricsService::Setup{.shards = shards,
                            .labels = &labels_,
                            .notices = &*notices_,
                            .version = PEAL_VERSION,
                            .io = io_->uring ? "io_uring" : "epoll",
                            .wake = [this](hub::ShardIndex to) { shards_[to]->wake(); }});
  return {};
} catch (const std::system_error& failure) {
  return std::unexpected("the metrics' thread cannot be started: " + failure.code().message());
}

/// What the configuration in force names and may change by itself. `known`: what it was before it
/// was read; it may have changed by now.
void Server::watch_files(const FileStamps& known) {
  files_.clear();
  watch_tokens(known);
  watch_certificates(known);
}

/// Reads a file of tokens again when it changes. One that cannot be read changes nothing.
void Server::watch_tokens(const FileStamps& known) {
  for (const Route& route : edition_->site->routes()) {
    if (!route.tokens) continue;
    const std::string& name = route.config->name;
    const std::string& file = route.config->auth->bearer_file;
    const auto tell = [&name, &file](std::size_t count) {
      if (count == 0) log::warn("route {}: {} holds no token: nobody gets in", name, file);
    };
    tell(TokenView(*route.tokens).get().size());
    const bool watched = files_.add(
        file, known.at(file),
        [&name, &file, tell, store = route.tokens.get(), told = std::string()]() mutable {
          auto tokens = TokenSet::read(file);
          if (!tokens) {
            if (std::exchange(told, tokens.error()) != tokens.error())
              log::error("route {}: {}: {}; the tokens read before stay", name, file,
                         tokens.error());
            return false;
          }
          told.clear();
          const std::size_t count = tokens->size();
          store->replace(std::move(*tokens));
          log::info("route {}: {} tokens read from {}", name, count, file);
          tell(count);
          return true;
        });
    if (!watched) log::warn("route {}: {} is not watched for changes", name, file);
  }
}

/// Loads certificates again when their files have changed, and no other for a moment: a key and
/// what it belongs to are seldom replaced at once.
void Server::watch_certificates(const FileStamps& known) {
  static constexpr Duration kQuiet = std::chrono::milliseconds(200);
  for (const config::Listen& listen : config().listen) {
    if (!listen.tls) continue;
    for (const std::string& name : certificate_files(*listen.tls))
      if (!files_.add(name, known.at(name), [this] {
            renew_at_ = Clock::now() + kQuiet;
            return true;
          }))
        log::warn("listen.{}: {} is not watched for changes", listen.name, name);
  }
}

/// Those that systemd has passed are its own: who waits there is let in after a restart.
void Server::add_doors(std::vector<Doors>& doors, std::uint32_t listener,
                       const config::Listen& listen, Listeners::Sockets sockets) {
  const bool stays = !listen.activation.empty();
  const bool alone = !stays && listen.path.empty();
  for (std::size_t shard = 0; shard < doors.size(); ++shard)
    for (Fd& socket : sockets[shard])
      doors[shard].push_back(
          {.listener = listener, .socket = std::move(socket), .stays = stays, .alone = alone});
}

/// For each shard, its sockets of every listener.
std::expected<std::vector<Server::Doors>, std::string> Server::open_doors(unsigned shards) {
  std::vector<Doors> doors(shards);
  for (std::uint32_t listener = 0; listener < config().listen.size(); ++listener) {
    auto sockets = listeners_.open(config().listen[listener], shards, Listeners::kPatience);
    if (!sockets) return std::unexpected(sockets.error());
    add_doors(doors, listener, config().listen[listener], std::move(*sockets));
  }
  listeners_.report_unnamed(config().listen);
  return doors;
}

ShardSettings Server::shard_settings(const config::Config& config) const {
  const config::Compression& compression = config.compression;
  return {.limits = table_limits(config.limits),
          .history_memory = config.limits.history_memory / shards_.size(),
          .deflate = {.level = static_cast<int>(compression.level),
                      .min_size = static_cast<std::uint32_t>(compression.min_size),
                      .max_size = static_cast<std::uint32_t>(compression.max_size)},
          .drain = drain_plan(config.drain),
          .access_log = AccessLog(config.log.access ? config.log.access_one_in : 0, &labels_)};
}

ShardSetup Server::make_setup(hub::ShardIndex index, Doors doors) {
  return {.index = index,
          .site = Edition::site_of(edition_),
          .listeners = listener_settings_,
          .mesh = &*mesh_,
          .admission = &*admission_,
          .notices = &*notices_,
          .metrics = &*metrics_,
          .settings = shard_settings(config()),
          .doors = std::move(doors),
          .heartbeat = &*heartbeat_,
          .wake = [this](hub::ShardIndex to) { shards_[to]->wake(); },
          .drained = [this] { eventfd_write(drained_.get(), 1); },
          .updated = [this] { eventfd_write(updated_.get(), 1); },
          .released = [this] { eventfd_write(released_.get(), 1); }};
}

std::expected<void, std::string> Server::start_shards(std::vector<Doors> doors) {
  const auto count = doors.size();
  const std::vector<int> cpus = allowed_cpus();
  gate_.emplace(static_cast<std::ptrdiff_t>(count));
  shards_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    try {
      threads_.emplace_back(
          [this, index = static_cast<hub::ShardIndex>(i), cpu = cpus[i % cpus.size()],
           own = std::move(doors[i])]() mutable { serve(index, cpu, std::move(own)); });
      continue;
    } catch (const std::system_error& failure) {
      gate_->fail({"thread", failure.code().value()});
    } catch (const std::bad_alloc&) {
      gate_->fail({"thread", ENOMEM});
    }
    gate_->made.count_down(static_cast<std::ptrdiff_t>(count - i));  // those that are wait for it
    break;
  }
  gate_->made.wait();
  gate_->opened.count_down();
  if (!gate_->failed) return {};
  stop();
  return std::unexpected("a reactor cannot be set up: " + gate_->failure.text());
}

/// On its own thread, because a ring belongs to the thread that made it.
Result<> Server::make_shard(hub::ShardIndex index, Doors doors) try {
  auto backend = io_->make_backend();
  if (!backend) return std::unexpected(backend.error());
  shards_[index] =
      std::make_unique<Shard>(make_setup(index, std::move(doors)), std::move(*backend));
  return {};
} catch (const std::bad_alloc&) {
  return error("memory", ENOMEM);
}

/// The life of a shard's thread.
void Server::serve(hub::ShardIndex index, int cpu, Doors doors) {
  pthread_setname_np(pthread_self(), ("reactor-" + std::to_string(index)).c_str());
  if (config().server.pin && !pin_to_cpu(cpu))
    log::warn("reactor {} cannot be pinned to CPU {}", index, cpu);
  if (auto made = make_shard(index, std::move(doors)); !made) gate_->fail(made.error());
  gate_->made.count_down();
  gate_->opened.wait();  // shards send each other mail, so all must be there
  if (gate_->failed) return;
  if (auto done = shards_[index]->run(); !done) {
    log::error("reactor {}: {}", index, done.error().text());
    log::shut_down();  // which writes it
    std::abort();      // a reactor that cannot wait serves nobody; the supervisor starts us anew
  }
}

/// For `systemctl status`.
void Server::tell_status(const std::string& doing) {
  if (notify_.on())
    notify_.status(doing + counted(admission_->open.load(std::memory_order_relaxed), "connection") +
                   " on " + counted(shards_.size(), "reactor") + ", " + io_->name());
}

void Server::run() {
  notify_.ready();
  serve_until_asked_to_stop();
  notify_.stopping();
  drain();
  stop();
  log::info("stopped");
}

void Server::serve_until_asked_to_stop() {
  std::array<pollfd, 5> events{{{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = notices_->fd(), .events = POLLIN, .revents = 0},
                                {.fd = files_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = released_.get(), .events = POLLIN, .revents = 0},
                                {.fd = heartbeat_->fd(), .events = POLLIN, .revents = 0}}};
  while (true) {
    while (const int signal = signals_.take()) {
      if (signal != SIGHUP) return;
      reload();
    }
    tell_status();
    int timeout = notify_.on() ? kStatusPeriod / std::chrono::milliseconds(1) : -1;
    if (const auto due = next_reading()) {
      const int wait = milliseconds_until(*due);
      timeout = timeout < 0 ? wait : std::min(timeout, wait);
    }
    ::poll(events.data(), events.size(), timeout);
    look_after();
    drop_old_editions();
  }
}

/// What is to be done as long as anybody is served.
void Server::look_after() {
  for (const std::string& line : notices_->take_summaries()) log::warn("{}", line);
  files_.take();
  if (again_at_ && *again_at_ <= Clock::now()) {
    again_at_.reset();
    files_.try_again();
  }
  if (files_.failed() && !again_at_) again_at_ = Clock::now() + kReadAgain;
  if (heartbeat_->take()) notify_.alive();
  if (renew_at_ && *renew_at_ <= Clock::now()) renew_certificates();
}

/// When files are to be read that nothing may happen to until then.
std::optional<Instant> Server::next_reading() const {
  if (!renew_at_ || !again_at_) return renew_at_ ? renew_at_ : again_at_;
  return std::min(*renew_at_, *again_at_);
}

/// Takes the signals that have come during a drain.
bool Server::is_asked_again() {
  while (const int signal = signals_.take()) {
    if (signal != SIGHUP) return true;
    refuse_reload("it is about to stop");
  }
  return false;
}

/// Returns when every shard is empty, when the time for it is over, or at the second signal.
void Server::drain() {
  const config::Drain& plan = config().drain;
  log::info("asked to stop: listeners close in {}, clients are told to go over {}",
            config::format_duration(plan.pause), config::format_duration(plan.over));
  const Instant close = Clock::now() + plan.pause;
  const Instant end = close + plan.over + plan.timeout;
  // Before reactors let in who waits at a Unix socket, so that nobody comes after that.
  if (plan.pause == Duration::zero()) listeners_.forget_all();
  for (auto& shard : shards_) shard->request_drain();
  std::array<pollfd, 5> events{{{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = notices_->fd(), .events = POLLIN, .revents = 0},
                                {.fd = files_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = drained_.get(), .events = POLLIN, .revents = 0},
                                {.fd = heartbeat_->fd(), .events = POLLIN, .revents = 0}}};
  for (std::size_t empty = 0; empty < shards_.size();) {
    const Instant now = Clock::now();
    if (now >= close) listeners_.forget_all();
    Instant next = now < close ? std::min(close, end) : end;
    if (const auto due = next_reading()) next = std::min(next, *due);
    if (notify_.on()) next = std::min(next, now + kStatusPeriod);
    tell_status("draining: ");
    if (now >= end) {
      log::warn("some clients do not go: stopping without them");
      return;
    }
    ::poll(events.data(), events.size(), milliseconds_until(next));
    if (is_asked_again()) {
      log::warn("asked again: stopping at once");
      return;
    }
    look_after();
    eventfd_t one;
    if (eventfd_read(drained_.get(), &one) == 0) ++empty;
  }
}

void Server::stop() {
  if (metrics_) metrics_->stop();  // it wakes shards
  for (auto& shard : shards_)
    if (shard) shard->stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::erase(shards_, nullptr);
  while (!std::ranges::all_of(shards_, &Shard::settled, &std::unique_ptr<Shard>::operator*))
    for (auto& shard : shards_) shard->settle();
  shards_.clear();
}

}  // namespace peal::server
