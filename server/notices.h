// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/conn/connection.h"
#include "core/hub/mesh.h"

namespace peal::server {

/// What an operator may want to know of, and a client can bring about as often as it likes.
enum class Notice : std::uint8_t {
  connections,
  connections_per_ip,
  accept_rate,
  descriptors,
  handshake_timeout,
  bad_request,
  proxy_protocol,
  tls,
  auth,
  protocol_error,
  message_size,
  message_fragments,
  message_rate,
  slow_client,
  pong_timeout,
  send_timeout,
  history_memory,
};
inline constexpr std::size_t kNotices = static_cast<std::size_t>(Notice::history_memory) + 1;

/// The key of the limit in the configuration, where it is one; else a word like it.
std::string_view name(Notice notice);
/// What the client did and what came of it, to be read after its address. `streams`: the client of
/// an event stream, which says nothing and is told nothing.
std::string_view deed(Notice notice, bool streams = false);
/// Nullopt: an end that is nothing to tell of.
std::optional<Notice> notice_of(conn::Ending ending);

/// Counts what happens, and keeps the log readable: of each kind the first one is told in full, and
/// from then on, once in a while, how many more there were, until there are none.
///
/// Owner: the Server. Thread: count() on the named shard's, total() on any, take_summaries() on
/// main's. Errors: without a timerfd(2) nothing but the first of each kind is told.
class Notices {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(10);

  explicit Notices(unsigned shards, Duration period = kPeriod);

  /// Counts one. True: the caller is to write it to the log.
  bool count(hub::ShardIndex shard, Notice notice);

  /// How many there were since the start.
  std::uint64_t total(Notice notice) const;

  /// Readable when take_summaries() is due.
  int fd() const { return timer_.get(); }
  /// Lines for the log.
  std::vector<std::string> take_summaries();

 private:
  /// Each counter is written by its shard alone.
  struct alignas(64) Tally {
    std::array<std::atomic<std::uint64_t>, kNotices> counts{};
  };
  struct Watch {
    std::atomic<bool> on{false};  // one was told in full less than a period ago
    std::atomic<std::uint64_t> told{0};
  };

  void arm();

  const Duration period_;
  std::vector<Tally> tallies_;  // by shard
  std::array<Watch, kNotices> watches_;
  Fd timer_;
};

}  // namespace peal::server
