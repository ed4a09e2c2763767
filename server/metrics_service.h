// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/time.h"
#include "core/hub/message.h"
#include "server/labels.h"
#include "server/notices.h"
#include "server/snapshot.h"

namespace peal::server {

/// Answers scrapes: asks every shard for a Snapshot, and makes one text of them, on a thread of its
/// own. A shard does no more than to copy its counters when it is asked, and to hand on a text that
/// is there. Those who ask while a round is under way get the next one, so what has happened before
/// they asked is in it.
///
/// Owner: the Server; outlives the shards. Thread: any, but for what is said to be a shard's.
/// Errors: a shard that does not answer within kPatience leaves the askers of that round without.
class MetricsService {
 public:
  struct Setup {
    unsigned shards = 1;
    const Labels* labels = nullptr;
    const Notices* notices = nullptr;
    std::string version{};
    std::string io{};
    std::function<void(hub::ShardIndex)> wake{};  ///< a shard has mail
  };
  /// What came of a round.
  struct Result {
    std::uint64_t round = 0;
    std::shared_ptr<const std::string> text;  ///< null: no
  };

  static constexpr Duration kPatience = std::chrono::seconds(5);

  explicit MetricsService(Setup setup, Duration patience = kPatience);
  ~MetricsService();
  MetricsService(const MetricsService&) = delete;
  MetricsService& operator=(const MetricsService&) = delete;

  /// Ends the thread: nobody is woken any more, nothing comes of what was asked.
  void stop();

  /// Counts an attempt to read the configuration again.
  void count_reload(bool done);

  // A shard's, each about itself.

  /// Returns the round that will answer.
  std::uint64_t ask(hub::ShardIndex self);
  bool has_mail(hub::ShardIndex self) const {
    return boxes_[self].mail.load(std::memory_order_acquire) != 0;
  }
  /// Whether a snapshot is wanted; true once for each time.
  bool take_wish(hub::ShardIndex self) { return take(self, kWish); }
  void give(hub::ShardIndex self, Snapshot snapshot);
  /// What has come of a round that this shard has asked for.
  std::optional<Result> take_result(hub::ShardIndex self);

 private:
  static constexpr std::uint8_t kWish = 1;
  static constexpr std::uint8_t kResult = 2;

  /// What a shard is told. It looks at `mail` in every turn, so nothing else is on that line.
  struct alignas(64) Box {
    std::atomic<std::uint8_t> mail{0};
    Result result;  // under mutex_
  };

  bool take(hub::ShardIndex self, std::uint8_t what);
  void tell(hub::ShardIndex shard, std::uint8_t what);
  void run();
  std::vector<Snapshot> gather(std::unique_lock<std::mutex>& lock);
  std::string make_text(std::vector<Snapshot> snapshots) const;

  const Setup setup_;
  const Duration patience_;
  std::vector<Box> boxes_;  // by shard
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> askers_;                        // by shard
  std::vector<std::optional<Snapshot>> snapshots_;  // of the round under way
  std::uint64_t round_ = 0;                         // the last one that began
  bool stopping_ = false;
  std::atomic<std::uint64_t> reloads_done_{0};
  std::atomic<std::uint64_t> reloads_refused_{0};
  std::thread thread_;
};

}  // namespace peal::server
