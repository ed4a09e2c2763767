// SPDX-License-Identifier: Apache-2.0
// What a shard tells those who watch.
#include <ctime>
#include <utility>

#include "server/shard.h"

namespace peal::server {
namespace {

/// Of the calling thread.
Duration cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

bool Shard::has_metrics_mail() const {
  return setup_.metrics && setup_.metrics->has_mail(setup_.index);
}

void Shard::take_metrics_mail() {
  MetricsService& service = *setup_.metrics;
  if (service.take_wish(setup_.index)) service.give(setup_.index, snapshot());
  if (const auto result = service.take_result(setup_.index)) dispatcher_.on_metrics(*result);
}

Snapshot Shard::snapshot() {
  const Accounts& accounts = dispatcher_.accounts();
  const hub::Home& home = hub_.home();
  return {.table = table_.counters(),
          .routes = accounts.routes(),
          .closes = accounts.closes(),
          .deliveries = hub_.counters_by_route(),
          .publications = home.counters().publications,
          .paced = home.counters().conflated,
          .fanout = hub_.fanout_times(),
          .turns = reactor_.turns(),
          .cpu = cpu_time(),
          .connections = table_.size(),
          .topics = home.topics(),
          .subscriptions = hub_.subscriptions(),
          .queue_bytes = memory_.queued_bytes,
          .history_bytes = home.history_bytes(),
          .block_bytes_used = memory_.blocks.bytes_out(),
          .block_bytes_kept = memory_.blocks.bytes_kept(),
          .receive_buffers = reactor_.buffers().held_count()};
}

}  // namespace peal::server
