// SPDX-License-Identifier: Apache-2.0
// What a ConnectionTable counts, for those who watch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/slab.h"
#include "core/conn/connection.h"

namespace peal::conn {

inline constexpr std::size_t kEndings = static_cast<std::size_t>(Ending::no_resources) + 1;

struct TableCounters {
  std::uint64_t accepted = 0;        ///< connections
  std::uint64_t bytes_received = 0;  ///< from sockets, so with TLS of ciphertext
  std::uint64_t bytes_sent = 0;
  std::array<std::uint64_t, kEndings> endings{};  ///< by Ending
  /// From accept to the answer that lets a WebSocket or a stream in, where that is the first answer
  /// of its connection; modulo 71 minutes, as Connection::accepted is.
  DurationHistogram handshake;
};

/// What has passed over one connection since it came.
struct Traffic {
  Instant began{};
  std::uint64_t bytes_received = 0;     ///< as TableCounters has it
  std::uint64_t bytes_sent = 0;         ///< the same
  std::uint32_t messages_received = 0;  ///< the handler's
  std::uint32_t requests = 0;           ///< the handler's
  std::uint32_t route = 0;              ///< the handler's
  std::uint16_t status = 0;             ///< the handler's: of the last answer
  std::uint8_t transport = 0;           ///< the handler's
};

/// The traffic of each connection of a table, apart from it, as it is kept only where somebody
/// wants to know.
///
/// Owner: a ConnectionTable. Thread: the shard's. Limits: grows by chunks, as Slab does.
class TrafficTable {
 public:
  /// From now on the traffic of connections that come is kept, or is not.
  void keep(bool on) { on_ = on; }

  /// A connection has come.
  void begin(SlotId id, Instant now) {
    const std::size_t chunk = id.index / kChunk;
    if (on_ && chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (chunk >= chunks_.size()) return;
    if (on_ && !chunks_[chunk]) chunks_[chunk] = std::make_unique<Traffic[]>(kChunk);
    if (chunks_[chunk]) chunks_[chunk][id.index % kChunk] = {.began = on_ ? now : Instant{}};
  }

  /// Null when it is not kept.
  Traffic* of(SlotId id) {
    if (chunks_.empty()) return nullptr;
    const std::size_t chunk = id.index / kChunk;
    if (chunk >= chunks_.size() || !chunks_[chunk]) return nullptr;
    Traffic& traffic = chunks_[chunk][id.index % kChunk];
    return traffic.began == Instant{} ? nullptr : &traffic;
  }

 private:
  static constexpr std::size_t kChunk = 64;

  bool on_ = false;
  std::vector<std::unique_ptr<Traffic[]>> chunks_;
};

}  // namespace peal::conn
