// SPDX-License-Identifier: Apache-2.0
#include "server/metrics_service.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "server/log.h"
#include "server/metrics.h"

namespace peal::server {

MetricsService::MetricsService(Setup setup, Duration patience)
    : setup_(std::move(setup)),
      patience_(patience),
      boxes_(setup_.shards),
      askers_(setup_.shards),
      snapshots_(setup_.shards),
      thread_([this] { run(); }) {}

MetricsService::~MetricsService() {
  stop();
}

void MetricsService::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MetricsService::count_reload(bool done) {
  ++(done ? reloads_done_ : reloads_refused_);
}

std::uint64_t MetricsService::ask(hub::ShardIndex self) {
  const std::lock_guard lock(mutex_);
  askers_[self] = true;
  changed_.notify_all();
  return round_ + 1;
}

void MetricsService::give(hub::ShardIndex self, Snapshot snapshot) {
  const std::lock_guard lock(mutex_);
  snapshots_[self] = std::move(snapshot);
  changed_.notify_all();
}

std::optional<MetricsService::Result> MetricsService::take_result(hub::ShardIndex self) {
  if (!take(self, kResult)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return std::exchange(boxes_[self].result, {});
}

bool MetricsService::take(hub::ShardIndex self, std::uint8_t what) {
  std::atomic<std::uint8_t>& mail = boxes_[self].mail;
  if ((mail.load(std::memory_order_acquire) & what) == 0) return false;
  mail.fetch_and(static_cast<std::uint8_t>(~what), std::memory_order_acq_rel);
  return true;
}

void MetricsService::tell(hub::ShardIndex shard, std::uint8_t what) {
  boxes_[shard].mail.fetch_or(what, std::memory_order_acq_rel);
  setup_.wake(shard);
}

// ---- The thread --------------------------------------------------------------------------------

void MetricsService::run() {
  pthread_setname_np(pthread_self(), "metrics");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || std::ranges::count(askers_, true) > 0; });
    if (stopping_) return;
    const std::vector<bool> askers = std::exchange(askers_, std::vector<bool>(setup_.shards));
    const std::uint64_t round = ++round_;
    std::vector<Snapshot> snapshots = gather(lock);
    if (stopping_) return;
    std::shared_ptr<const std::string> text;
    if (!snapshots.empty()) {
      lock.unlock();
      text = std::make_shared<const std::string>(make_text(std::move(snapshots)));
      lock.lock();
    }
    for (std::size_t i = 0; i < askers.size(); ++i) {
      if (!askers[i]) continue;
      boxes_[i].result = {.round = round, .text = text};
      tell(static_cast<hub::ShardIndex>(i), kResult);
    }
  }
}

/// Of all shards, or nothing when one does not answer.
std::vector<Snapshot> MetricsService::gather(std::unique_lock<std::mutex>& lock) {
  snapshots_.assign(setup_.shards, std::nullopt);
  for (unsigned i = 0; i < setup_.shards; ++i) tell(static_cast<hub::ShardIndex>(i), kWish);
  const auto complete = [this] {
    return stopping_ ||
           std::ranges::all_of(snapshots_, [](const auto& given) { return given.has_value(); });
  };
  std::vector<Snapshot> all;
  if (!changed_.wait_for(lock, patience_, complete) || stopping_) return all;
  for (auto& given : snapshots_) all.push_back(std::move(*given));
  return all;
}

std::string MetricsService::make_text(std::vector<Snapshot> snapshots) const {
  Figures figures{.shards = std::move(snapshots),
                  .routes = setup_.labels->routes.names(),
                  .topic_classes = setup_.labels->topic_classes.names(),
                  .reloads_done = reloads_done_.load(),
                  .reloads_refused = reloads_refused_.load(),
                  .log_lines_lost = log::lines_lost(),
                  .process = read_process_figures(),
                  .version = setup_.version,
                  .io = setup_.io};
  for (std::size_t i = 0; i < kNotices; ++i)
    figures.notices[i] = setup_.notices->total(static_cast<Notice>(i));
  return metrics_text(figures);
}

}  // namespace peal::server
