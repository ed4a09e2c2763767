// SPDX-License-Identifier: Apache-2.0
// The configuration, and certificates, while the process runs.
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "config/address.h"
#include "config/diff.h"
#include "core/base/counted.h"
#include "server/log.h"
#include "server/server.h"

namespace peal::server {
namespace {

constexpr Duration kUpdateTime = std::chrono::seconds(10);

}  // namespace

/// All of it, or nothing: everything that can fail is done before anything changes. The reactors
/// go on meanwhile.
void Server::reload() {
  notify_.reloading();
  take_up_file();
  notify_.ready();
}

void Server::take_up_file() {
  std::error_code none;
  // To open it would wait for whoever writes to it.
  if (std::filesystem::is_fifo(load_.path, none)) return refuse_reload(load_.path + " is a pipe");
  auto fresh = load_fresh(load_, listener_settings_->certificates.keys());
  if (!fresh) {
    for (const config::Problem& problem : fresh.error()) log::error("{}", problem.text());
    return refuse_reload(counted(fresh.error().size(), "problem") + " in " + load_.path);
  }
  const config::Diff diff = config::diff(config(), fresh->config);
  config::keep_places(config().listen, fresh->config);
  fresh->certificates.arrange(fresh->config);
  auto edition = Edition::make(std::move(fresh->config), labels_);
  if (!edition) return refuse_reload(edition.error());
  const DoorPlan plan =
      plan_doors(config().listen, (*edition)->config.listen,
                 [this](const config::Listen& listen) { return listeners_.is_lost(listen); });
  auto doors = open_new_doors(plan, (*edition)->config);
  if (!doors) return refuse_reload(doors.error());
  const auto& listen = (*edition)->config.listen;
  std::expected<void, std::string> ready = listeners_.set_access(listen);
  if (ready) ready = log::set_up((*edition)->config.log);
  if (!ready) {
    take_back_doors(plan, listen);
    return refuse_reload(ready.error());
  }
  put_in_force(std::move(*edition), std::move(fresh->certificates), plan, std::move(*doors));
  watch_files(fresh->stamps);
  for (const std::string& key : diff.kept) log::warn("{}", key);
  listeners_.report_unnamed(config().listen);
  metrics_->count_reload(true);
  log::info("reloaded: {}", diff.text());
}

void Server::refuse_reload(const std::string& why) {
  metrics_->count_reload(false);
  log::error("not reloaded, the configuration stays as it was: {}", why);
}

/// For each shard, its sockets.
std::expected<std::vector<Server::Doors>, std::string> Server::open_new_doors(
    const DoorPlan& plan, const config::Config& now) {
  std::vector<Doors> doors(shards_.size());
  for (const std::uint32_t listener : plan.opened) {
    const bool beside_ours = takes_over(plan, config().listen, now.listen[listener]);
    auto sockets = listeners_.open(now.listen[listener], static_cast<unsigned>(shards_.size()),
                                   Duration::zero(), beside_ours);
    if (!sockets) {
      take_back_doors(plan, now.listen);
      return std::unexpected(sockets.error());
    }
    add_doors(doors, listener, now.listen[listener], std::move(*sockets));
  }
  return doors;
}

/// What a reload has done to files before it was refused.
void Server::take_back_doors(const DoorPlan& plan, std::span<const config::Listen> now) {
  for (const std::uint32_t listener : plan.opened) listeners_.forget(now[listener]);
  // What cannot be changed back was not changed.
  static_cast<void>(listeners_.set_access(config().listen));
}

void Server::put_in_force(std::shared_ptr<const Edition> edition, Certificates certificates,
                          const DoorPlan& plan, std::vector<Doors> doors) {
  for (const std::uint32_t listener : plan.closed) {
    log::info("listening on {} no longer", config::address_text(config().listen[listener]));
    listeners_.forget(config().listen[listener]);
  }
  editions_before_.push_back(std::exchange(edition_, std::move(edition)));
  listener_settings_ = std::make_shared<const ListenerSettings>(config(), std::move(certificates));
  renew_at_.reset();
  renewal_told_.clear();
  std::vector<std::uint32_t> closed = plan.closed;
  closed.insert(closed.end(), plan.lost.begin(), plan.lost.end());
  const config::Limits& limits = config().limits;
  admission_->limit = connection_limit(limits.connections, file_limit_, rings_);
  admission_->per_client = limits.connections_per_ip;
  admission_->accepts.set(Rate(limits.accept_rate));
  for (std::size_t shard = 0; shard < shards_.size(); ++shard)
    shards_[shard]->update({.settings = shard_settings(config()),
                            .site = Edition::site_of(edition_),
                            .listeners = listener_settings_,
                            .closed_doors = closed,
                            .moved_doors = plan.moved,
                            .new_doors = std::move(doors[shard])});
  wait_for_updates();
}

void Server::renew_certificates() {
  renew_at_.reset();
  auto fresh = load_certificates(config(), listener_settings_->certificates.keys());
  if (!fresh) {
    renew_at_ = Clock::now() + kReadAgain;
    std::string text;
    for (const config::Problem& problem : fresh.error()) text += problem.text();
    if (std::exchange(renewal_told_, text) == text) return;
    for (const config::Problem& problem : fresh.error())
      log::error("{}: {}", problem.key, problem.message);
    log::error("the certificates loaded before stay");
    return;
  }
  renewal_told_.clear();
  listener_settings_ = std::make_shared<const ListenerSettings>(config(), std::move(*fresh));
  for (auto& shard : shards_)
    shard->update({.settings = std::nullopt,
                   .site = nullptr,
                   .listeners = listener_settings_,
                   .closed_doors = {},
                   .moved_doors = {},
                   .new_doors = {}});
  wait_for_updates();
  log::info("certificates loaded again: their files have changed");
}

/// So that whoever reads "reloaded" in the log meets nothing of before. What was given up waiting
/// for the last time is waited for as well.
void Server::wait_for_updates() {
  updates_under_way_ += shards_.size();
  const Instant end = Clock::now() + kUpdateTime;
  pollfd event{.fd = updated_.get(), .events = POLLIN, .revents = 0};
  while (updates_under_way_ > 0) {
    eventfd_t one;
    if (eventfd_read(updated_.get(), &one) == 0) {
      --updates_under_way_;
      continue;
    }
    const auto left = std::chrono::ceil<config::Milliseconds>(end - Clock::now());
    if (left.count() <= 0) {
      log::warn("a reactor takes long to take up what was reloaded");
      return;
    }
    ::poll(&event, 1, static_cast<int>(left.count()));
  }
}

/// Those that no shard has any more end here, on a thread that nobody waits for.
void Server::drop_old_editions() {
  eventfd_t count;
  eventfd_read(released_.get(), &count);
  std::erase_if(editions_before_, [](const auto& edition) { return edition.use_count() == 1; });
}

}  // namespace peal::server
