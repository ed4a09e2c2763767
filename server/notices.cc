// SPDX-License-Identifier: Apache-2.0
#include "server/notices.h"

#include <sys/timerfd.h>

#include <algorithm>

namespace peal::server {
namespace {

struct Wording {
  std::string_view name;
  std::string_view deed;
};

constexpr std::array<Wording, kNotices> kWordings{{
    {"connections", "found no room: refused, 503"},
    {"connections_per_ip", "has as many connections as it may: refused"},
    {"accept_rate", "waits to be let in"},
    {"descriptors", "found no room in the kernel: closed"},
    {"handshake_timeout", "sent no whole request in time: closed"},
    {"bad_request", "sent a request that is not taken: closed"},
    {"proxy_protocol", "is trusted as a proxy and sent no PROXY header that is taken: closed"},
    {"tls", "did not get through TLS: closed"},
    {"auth", "showed no token that is known: refused, 401"},
    {"protocol_error", "broke the WebSocket protocol: closed"},
    {"message_size", "sent a message that is too large: closed, 1009"},
    {"message_fragments", "sent a message in too many fragments: closed, 1008"},
    {"message_rate", "sent more messages than it may: closed, 1008"},
    {"slow_client", "reads too slowly, its queue is full: closed, 1008"},
    {"pong_timeout", "answered no ping in time: gone"},
    {"send_timeout", "takes nothing of what it asked for: gone"},
    {"history_memory", "gave up its history"},
}};

constexpr std::size_t index_of(Notice notice) {
  return static_cast<std::size_t>(notice);
}

}  // namespace

std::string_view name(Notice notice) {
  return kWordings[index_of(notice)].name;
}

std::string_view deed(Notice notice, bool streams) {
  if (streams && notice == Notice::slow_client)
    return "reads too slowly, its queue is full: closed";
  if (streams && notice == Notice::pong_timeout) return "acknowledged nothing in time: gone";
  return kWordings[index_of(notice)].deed;
}

std::optional<Notice> notice_of(conn::Ending ending) {
  switch (ending) {
    case conn::Ending::bad_request:
      return Notice::bad_request;
    case conn::Ending::proxy_protocol:
      return Notice::proxy_protocol;
    case conn::Ending::tls_error:
      return Notice::tls;
    case conn::Ending::handshake_timeout:
      return Notice::handshake_timeout;
    case conn::Ending::send_timeout:
      return Notice::send_timeout;
    case conn::Ending::pong_timeout:
      return Notice::pong_timeout;
    case conn::Ending::protocol_error:
      return Notice::protocol_error;
    case conn::Ending::message_size:
      return Notice::message_size;
    case conn::Ending::message_fragments:
      return Notice::message_fragments;
    case conn::Ending::message_rate:
      return Notice::message_rate;
    case conn::Ending::slow_client:
      return Notice::slow_client;
    case conn::Ending::no_resources:
      return Notice::descriptors;
    case conn::Ending::none:
    case conn::Ending::client:
    case conn::Ending::lost:
    case conn::Ending::server:
    case conn::Ending::answered:
    case conn::Ending::idle:
      return std::nullopt;
  }
  return std::nullopt;
}

Notices::Notices(unsigned shards, Duration period)
    : period_(period),
      tallies_(shards),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

bool Notices::count(hub::ShardIndex shard, Notice notice) {
  auto& counter = tallies_[shard].counts[index_of(notice)];
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  Watch& watch = watches_[index_of(notice)];
  if (watch.on.load(std::memory_order_relaxed) || watch.on.exchange(true)) return false;
  watch.told.fetch_add(1);
  arm();
  return true;
}

std::uint64_t Notices::total(Notice notice) const {
  std::uint64_t sum = 0;
  for (const Tally& tally : tallies_)
    sum += tally.counts[index_of(notice)].load(std::memory_order_relaxed);
  return sum;
}

/// Makes fd() readable after a period; one that is under way is left alone.
void Notices::arm() {
  itimerspec now{};
  if (timerfd_gettime(timer_.get(), &now) < 0) return;
  if (now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0) return;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(period_);
  itimerspec next{};
  next.it_value = {.tv_sec = seconds.count(), .tv_nsec = (period_ - seconds).count()};
  timerfd_settime(timer_.get(), 0, &next, nullptr);
}

std::vector<std::string> Notices::take_summaries() {
  std::vector<std::string> lines;
  std::uint64_t expirations;
  if (::read(timer_.get(), &expirations, sizeof expirations) < 0) return lines;
  bool watching = false;
  for (std::size_t i = 0; i < kNotices; ++i) {
    Watch& watch = watches_[i];
    if (!watch.on.load()) continue;
    const std::uint64_t told = watch.told.load();
    // A first one may be counted, seen from here, before it is told.
    const std::uint64_t more = std::max(total(static_cast<Notice>(i)), told) - told;
    watch.told.fetch_add(more);
    watch.on = more > 0;
    watching = watching || more > 0;
    if (more > 0)
      lines.push_back(std::string(kWordings[i].name) + ": " + std::to_string(more) +
                      " more since the last line about it");
  }
  if (watching) arm();
  return lines;
}

}  // namespace peal::server
