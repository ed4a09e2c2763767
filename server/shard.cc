// SPDX-License-Identifier: Apache-2.0
#include "server/shard.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "core/io/listener.h"
#include "server/log.h"

namespace peal::server {
namespace {

constexpr std::size_t kKeepBytes = 16 << 20;      // of unused blocks, for the next burst
constexpr std::uint32_t kDoorTimer = 0x80000000;  // owner of a door's timer: this and its index
constexpr std::uint32_t kHubTimer = 0xffffffff;   // owner of the hub's
constexpr std::uint32_t kBeatTimer = 0xfffffffe;  // owner of the heartbeat's
constexpr std::uint32_t kDrainTimer = 0xfffffffd;
constexpr std::uint32_t kChangeTimer = 0xfffffffc;
// Of what is delivered in parts, some 20 us of work; more while it is quiet, for larger batches.
constexpr std::size_t kPushesPerTurn = 128;
constexpr std::size_t kPushesPerQuietTurn = 1024;
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
constexpr int kLastAccepts = 1024;  // some milliseconds, once
constexpr Duration kLeaveLimit = std::chrono::seconds(2);
constexpr Duration kLeavePause = std::chrono::milliseconds(5);

}  // namespace

Shard::Shard(ShardSetup setup, std::unique_ptr<io::Backend> backend)
    : setup_(std::move(setup)),
      reactor_(std::move(backend)),
      memory_(setup_.index, reactor_.buffers(), kKeepBytes, setup_.settings.deflate),
      dispatcher_(*setup_.site, setup_.listeners->policies, setup_.settings.limits,
                  *setup_.notices),
      table_(reactor_, memory_, due_, dispatcher_, *setup_.admission, setup_.settings.limits),
      hub_({.memory = &memory_,
            .mesh = setup_.mesh,
            .self = setup_.index,
            .client = &dispatcher_,
            .due = &due_,
            .policies = &setup_.site->topic_classes(),
            .now = &reactor_.now(),
            .history_memory = setup_.settings.history_memory}),
      intake_(hub_, table_),
      hub_timer_(kHubTimer),
      beat_timer_(kBeatTimer),
      drain_(table_),
      drain_timer_(kDrainTimer),
      rebinding_(table_),
      change_timer_(kChangeTimer) {
  dispatcher_.attach(table_, hub_, setup_.metrics);
  dispatcher_.log_access(setup_.settings.access_log);
  for (DoorSocket& door : setup_.doors)
    doors_.emplace_back(std::move(door), kDoorTimer | static_cast<std::uint32_t>(doors_.size()));
}

Shard::~Shard() = default;

Result<> Shard::run() {
  one_by_one_ = setup_.admission->accepts.limited();
  for (std::uint32_t door = 0; door < doors_.size(); ++door) accept(door);
  beat();
  auto done = reactor_.run(*this);
  leave();
  dispatcher_.clear();
  return done;
}

/// Breaks off what is left, here because a ring takes orders from its own thread only.
void Shard::leave() {
  table_.terminate_all();
  // By the clock: while there is other work, turns do not pause, and many pass in no time.
  const Instant limit = reactor_.now() + kLeaveLimit;
  while (table_.size() > 0 && reactor_.now() < limit)
    if (!reactor_.turn(*this, kLeavePause)) return;
}

/// Sockets that systemd has passed are as their unit has them.
void Shard::defer_accepts() {
  for (const Door& door : doors_)
    if (door.socket && !door.ended && !door.stays)
      io::defer_accepts(door.socket.get(), setup_.listeners->policies[door.listener].defers);
}

/// One by one where there is a rate: the kernel would hand over all that wait at once.
void Shard::accept(std::uint32_t door) {
  const int socket = doors_[door].socket.get();
  if (one_by_one_)
    reactor_.backend().accept_one(door, socket);
  else
    reactor_.backend().accept(door, socket);
}

/// Lets those in who wait in the queue already, as to close the socket would reset them: within
/// limits.accept_rate, as far as there are descriptors, and a bounded number.
void Shard::end_accepting(std::uint32_t index) {
  Door& door = doors_[index];
  if (!door.socket || std::exchange(door.ended, true)) return;
  if (door.pause.armed()) {
    door.pause.cancel();
    return;
  }
  io::Backend& backend = reactor_.backend();
  backend.stop_accept(index, door.socket.get());
  for (int i = 0; i < kLastAccepts && !door.stays && door.due <= Duration::zero(); ++i) {
    const int fd = backend.accept_waiting(door.socket.get());
    if (fd < 0) break;
    on_accept(index, fd);
  }
}

/// With io_uring the socket lives on until an accept that was armed has been taken back, a turn
/// later. Nobody may get into its queue until then.
void Shard::close(std::uint32_t index) {
  end_accepting(index);
  Door& door = doors_[index];
  if (door.socket && door.alone) ::shutdown(door.socket.get(), SHUT_RDWR);
  door.socket.reset();
}

/// In the place of one that was closed before, so that they do not become more and more.
void Shard::open(DoorSocket fresh) {
  std::uint32_t index = 0;
  while (index < doors_.size() && doors_[index].socket) ++index;
  if (index < doors_.size()) {
    Door& door = doors_[index];
    door.listener = fresh.listener;
    door.socket = std::move(fresh.socket);
    door.stays = fresh.stays;
    door.alone = fresh.alone;
    door.ended = false;
    door.due = {};
  } else {
    doors_.emplace_back(std::move(fresh), kDoorTimer | index);
  }
  accept(index);
}

void Shard::on_accept(std::uint32_t index, int fd) {
  Door& door = doors_[index];
  if (one_by_one_) door.due = setup_.admission->accepts.spend(reactor_.now());
  table_.on_accept(door.listener, fd);
}

/// Out of descriptors or memory, the connections that there are go on, and new ones wait in the
/// kernel's queue until some have ended. There they wait as well for limits.accept_rate.
void Shard::on_accept_end(std::uint32_t index, int error) {
  Door& door = doors_[index];
  if (!door.socket || door.ended) return;
  const Duration due = std::exchange(door.due, {});
  if (due > Duration::zero()) {
    if (setup_.notices->count(setup_.index, Notice::accept_rate))
      log::warn("accept_rate: more come than are let in; the others wait");
    reactor_.arm(door.pause, due);
  } else if (error == 0 || error == ECONNABORTED || error == EINTR || error == EPROTO ||
             error == ECANCELED) {  // the last, of what was asked for before close() and open()
    accept(index);
  } else if (error == EAGAIN) {  // another reactor, which shares the socket, closes it
    reactor_.arm(door.pause, kAcceptPause);
  } else {
    if (setup_.notices->count(setup_.index, Notice::descriptors))
      log::warn("accepting pauses: {}; it goes on when connections have ended",
                strerrordesc_np(error));
    reactor_.arm(door.pause, kAcceptPause);
  }
}

void Shard::on_timer(io::Timer& timer) {
  if ((timer.owner() & kDoorTimer) == 0) {
    table_.on_timer(timer.owner());
    return;
  }
  if (timer.owner() == kHubTimer)
    hub_.on_due();
  else if (timer.owner() == kBeatTimer)
    beat();
  else if (timer.owner() == kDrainTimer)
    begin_drain();  // or no more than a reason for a turn
  else if (timer.owner() != kChangeTimer)
    accept(timer.owner() & ~kDoorTimer);
}

/// Says so when histories had to be given up for lack of memory.
void Shard::note_evictions() {
  const std::uint64_t evicted = hub_.home().counters().evicted;
  for (; evictions_told_ < evicted; ++evictions_told_)
    if (setup_.notices->count(setup_.index, Notice::history_memory))
      log::warn("history_memory: is used up; the topics published to least recently lose theirs");
}

void Shard::beat() {
  if (!setup_.heartbeat || setup_.heartbeat->period() == Duration::zero()) return;
  setup_.heartbeat->beat(setup_.index);
  reactor_.arm(beat_timer_, setup_.heartbeat->period());
}

bool Shard::on_turn_end() {
  take_updates();
  if (wants_drain()) announce_drain();
  intake_.work();
  if (has_metrics_mail()) take_metrics_mail();
  const bool changes = work_on_change();
  const bool drains = drain_stage_ == DrainStage::under_way && work_on_drain();
  const bool left = table_.flush() || changes || drains;
  const bool delivers = go_on_delivering();
  hub_.flush(setup_.wake);
  note_evictions();
  if (const auto due = hub_.next_due()) reactor_.arm_at(hub_timer_, *due);
  if (drain_stage_ == DrainStage::under_way && table_.size() == 0) {
    drain_stage_ = DrainStage::done;
    setup_.drained();
  }
  // Nobody tells us when a full queue to another shard has room again: look in every turn.
  return left || delivers || hub_.congested() || hub_.works() || table_.waiting_publishers() > 0;
}

/// When what was asked for is on its way. True when there is something to send after it.
bool Shard::go_on_delivering() {
  if (!hub_.delivers()) return false;
  reactor_.backend().submit();
  hub_.go_on_delivering(table_.is_quiet() ? kPushesPerQuietTurn : table_.share_of(kPushesPerTurn));
  return true;
}

bool Shard::has_mail() const {
  return hub_.has_mail() || has_metrics_mail() || wants_drain() ||
         updates_wait_.load(std::memory_order_acquire);
}

void Shard::request_drain() {
  drain_requested_.store(true, std::memory_order_release);
  reactor_.wake();
}

bool Shard::wants_drain() const {
  return drain_stage_ == DrainStage::none && drain_requested_.load(std::memory_order_acquire);
}

void Shard::announce_drain() {
  drain_stage_ = DrainStage::announced;
  dispatcher_.announce_drain();
  if (setup_.settings.drain.pause > Duration::zero())
    reactor_.arm(drain_timer_, setup_.settings.drain.pause);
  else
    begin_drain();
}

void Shard::begin_drain() {
  if (drain_stage_ != DrainStage::announced) return;
  drain_stage_ = DrainStage::under_way;
  for (std::uint32_t door = 0; door < doors_.size(); ++door) close(door);
  dispatcher_.begin_drain();
  // Reactors begin together: they are not to go on in step.
  drain_.begin(setup_.settings.drain.spread, std::random_device{}());
}

bool Shard::work_on_drain() {
  const bool left = drain_.work();
  if (const auto due = drain_.next_due()) reactor_.arm_at(drain_timer_, *due);
  return left;
}

}  // namespace peal::server
