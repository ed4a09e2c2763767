// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/base/time.h"
#include "loadtest/client.h"
#include "loadtest/message_sink.h"

namespace peal::loadtest {

/// Messages that become due in one turn, at most: a rate that nobody can keep ends with the run.
inline constexpr std::uint32_t kNotedAtOnce = 65'536;

/// What a worker's connections say and what they have to hear: one scenario.
///
/// Owner: a Worker. Thread: the worker's.
class Traffic {
 public:
  virtual ~Traffic() = default;

  /// Everybody is open: sending may begin.
  virtual void start(Instant origin) = 0;
  /// A piece of a message for `client`, at the turn's `now`.
  virtual void on_piece(Client& client, const Piece& piece, Instant now) = 0;
  /// The answer to what a publisher posted.
  virtual void on_answer(Client& client, int status) = 0;
  virtual void on_lost(Client& client) = 0;
  /// The turn's events are over; `now` is read anew. The time to have something sent.
  virtual void on_turn_end(Instant now) = 0;
  /// When on_turn_end() has something to do though no event comes.
  virtual std::optional<Instant> next_due() const = 0;
  /// There is something to send that was not when the turn ended.
  virtual bool has_work() const = 0;
  /// Nothing becomes due after `now`; what is owed by then is still sent.
  virtual void stop(Instant now) = 0;
  /// All that was due has been sent. Called after stop().
  virtual bool sent_all() const = 0;
  /// Nothing more is sent at all.
  virtual void halt() = 0;
  /// Nothing is awaited. Called after all workers were halted.
  virtual bool drained() const = 0;
  /// Counts what has not come. No other call follows.
  virtual void finish() = 0;
};

}  // namespace peal::loadtest
