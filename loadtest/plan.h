// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/io/uring_backend.h"
#include "core/tls/context.h"
#include "loadtest/options.h"
#include "loadtest/payload.h"
#include "loadtest/tally.h"

namespace peal::loadtest {

/// What all workers share and nobody changes while they run.
struct Plan {
  Options options;
  Endpoint endpoint;
  std::optional<Endpoint> publish_endpoint;  ///< where publishers connect elsewhere
  std::optional<Payload> payload;            ///< of echo and fanout
  std::unique_ptr<tls::Context> tls;         ///< where an endpoint is secure
  std::optional<io::UringFeatures> uring;    ///< none: epoll
  std::uint32_t opening_at_once = 128;       ///< connections of one worker under way
  Instant start;                             ///< opening begins

  const Endpoint& publishers_endpoint() const {
    return publish_endpoint ? *publish_endpoint : endpoint;
  }
};

/// How far the run is. Each stage begins for a worker when it looks, once a turn.
enum class Stage : std::uint8_t {
  opening,
  ready,  ///< all are open, and hear
  running,
  stopping,  ///< nothing more becomes due
  draining,  ///< nothing more is sent, but what was sent still comes
  closing,
};

/// Of one publisher; written by whom each says, read by anybody.
struct alignas(64) PublisherLine {
  /// What the subscribers that are left have had of its messages; by every worker.
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint32_t> published{0};  ///< by its own worker
};

/// What the run and its workers tell each other.
struct Board {
  explicit Board(const Options& options)
      : subscribers(options.connections),
        lines(options.publishers),
        times_kept(options.rate > 0 ? 0 : 2 * options.depth),
        send_times(std::size_t{options.publishers} * times_kept) {}

  Schedule schedule;       ///< set before Stage::running
  Instant measured_until;  ///< set before Stage::stopping; earlier than planned after an interrupt
  std::atomic<Stage> stage{Stage::opening};
  std::atomic<std::uint32_t> ready{0};     ///< workers that have seen Stage::ready
  std::atomic<std::uint32_t> stopped{0};   ///< workers that have sent all that was due
  std::atomic<std::uint32_t> drained{0};   ///< workers that wait for nothing more
  std::atomic<std::uint32_t> subscribers;  ///< fanout: that are not lost; by every worker
  std::vector<PublisherLine> lines;
  /// In a closed loop of fanout, of each publisher's last messages, ns since the run began; by its
  /// own worker. Twice as many as may be under way: that counts all subscribers together, so one of
  /// them may be further behind.
  std::uint32_t times_kept;
  std::vector<std::atomic<std::uint64_t>> send_times;
  std::function<void(std::uint32_t worker)> wake;  ///< set before any worker runs
};

}  // namespace peal::loadtest
