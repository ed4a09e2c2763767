// SPDX-License-Identifier: Apache-2.0
// A shard while it runs: what it goes by changes between two turns.
#include <algorithm>
#include <random>
#include <utility>

#include "server/shard.h"

namespace peal::server {
namespace {

/// After the time that a handshake may take, as timers may be late.
constexpr Duration kSlack = std::chrono::seconds(1);

}  // namespace

void Shard::update(ShardUpdate update) {
  {
    const std::lock_guard guard(updates_lock_);
    updates_.push_back(std::move(update));
    updates_wait_.store(true, std::memory_order_release);
  }
  reactor_.wake();
}

void Shard::take_updates() {
  if (!updates_wait_.load(std::memory_order_acquire)) return;
  std::vector<ShardUpdate> updates;
  {
    const std::lock_guard guard(updates_lock_);
    updates.swap(updates_);
    updates_wait_.store(false, std::memory_order_relaxed);
  }
  for (ShardUpdate& update : updates) {
    put_in_force(update);
    setup_.updated();
  }
}

/// Who waits at a door that is closed comes in by what was in force when it came.
void Shard::put_in_force(ShardUpdate& update) {
  for (std::uint32_t index = 0; index < doors_.size(); ++index)
    if (std::ranges::find(update.closed_doors, doors_[index].listener) != update.closed_doors.end())
      end_accepting(index);
  if (update.listeners) change_listeners(std::move(update.listeners));
  if (update.settings) put_in_force(*update.settings);
  if (update.site) change_site(std::move(update.site));
  change_doors(update);
  defer_accepts();
}

void Shard::put_in_force(const ShardSettings& settings) {
  setup_.settings = settings;
  table_.set_limits(settings.limits);
  dispatcher_.set_limits(settings.limits);
  dispatcher_.log_access(settings.access_log);
  memory_.compressor.set(settings.deflate);
  const bool limited = setup_.admission->accepts.limited();
  if (std::exchange(one_by_one_, limited) == limited) return;
  for (std::uint32_t index = 0; index < doors_.size(); ++index) {
    Door& door = doors_[index];
    if (!door.socket || door.ended || door.pause.armed()) continue;
    reactor_.backend().stop_accept(index, door.socket.get());
    accept(index);
  }
}

/// None is opened once a drain closes them. Opened first, so that no late event of a socket that is
/// closed here is taken for one of another.
void Shard::change_doors(ShardUpdate& update) {
  constexpr std::uint32_t kNobody = 0xffffffff;
  std::vector<std::uint32_t> before;
  for (const Door& door : doors_) before.push_back(door.socket ? door.listener : kNobody);
  const bool accepts = drain_stage_ == DrainStage::none || drain_stage_ == DrainStage::announced;
  for (DoorSocket& door : update.new_doors)
    if (accepts) open(std::move(door));
  for (std::uint32_t index = 0; index < before.size(); ++index) {
    if (std::ranges::find(update.closed_doors, before[index]) != update.closed_doors.end())
      close(index);
    for (const auto& [from, to] : update.moved_doors)
      if (before[index] == from) doors_[index].listener = to;
  }
}

/// A handshake that has begun goes on with what it began with; after it, a connection needs none.
void Shard::change_listeners(std::shared_ptr<const ListenerSettings> listeners) {
  const Duration longest = setup_.settings.limits.handshake_timeout + kSlack;
  auto before = std::exchange(setup_.listeners, std::move(listeners));
  dispatcher_.set_listener_policies(setup_.listeners->policies);
  spent_.push_back({.listeners = std::move(before), .until = reactor_.now() + longest});
}

void Shard::change_site(std::shared_ptr<const Site> site) {
  sites_before_.push_back(std::exchange(setup_.site, std::move(site)));
  dispatcher_.set_site(*setup_.site);
  hub_.set_policies(setup_.site->topic_classes(), setup_.settings.history_memory);
  rebinding_.begin(*setup_.site, setup_.settings.drain.spread, std::random_device{}());
}

/// Gives back what nobody refers to any more. True when the next turn is to go on.
bool Shard::work_on_change() {
  while (!spent_.empty() && spent_.front().until <= reactor_.now()) spent_.erase(spent_.begin());
  if (sites_before_.empty() && spent_.empty()) return false;
  const bool left = rebinding_.work();
  if (!sites_before_.empty() && rebinding_.done() && !hub_.follows_policies()) {
    sites_before_.clear();
    setup_.released();
  }
  std::optional<Instant> due = rebinding_.next_due();
  if (!spent_.empty()) due = due ? std::min(*due, spent_.front().until) : spent_.front().until;
  if (due) reactor_.arm_at(change_timer_, *due);
  return left;
}

}  // namespace peal::server
