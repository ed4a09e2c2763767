// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "core/io/backend.h"
#include "core/io/timer_wheel.h"

namespace peal::io {

/// What a reactor drives: takes its events, its timers and the end of each turn.
class ReactorClient : public EventSink {
 public:
  virtual void on_timer(Timer& timer) = 0;
  /// After all events of a turn: the time to send what they brought about. True when work is left
  /// that must not wait for an event.
  virtual bool on_turn_end() = 0;
  /// Asked after the reactor has let it be known that it is about to sleep, so that nothing that
  /// another thread handed over before is missed.
  virtual bool has_mail() const = 0;

 protected:
  ~ReactorClient() = default;
};

/// The loop of one thread: wait, deliver events, fire timers, end the turn.
///
/// Owner: a Shard. Thread: the one that runs it; wake() and stop() from any.
class Reactor {
 public:
  /// Of one turn: the wheel, and instants of a few bytes, lose count of time that passes unseen for
  /// months.
  static constexpr Duration kLongestWait = std::chrono::hours(24);

  /// `clock` is another one in tests only.
  explicit Reactor(std::unique_ptr<Backend> backend, Instant (*clock)() = Clock::now)
      : backend_(std::move(backend)), clock_(clock), now_(clock()), timers_(now_) {}

  Backend& backend() { return *backend_; }
  BufferPool& buffers() { return backend_->buffers(); }

  /// Read once a turn.
  const Instant& now() const { return now_; }
  /// Read anew.
  Instant read_clock() const { return clock_(); }
  /// How many there were.
  std::uint64_t turns() const { return turns_; }
  void arm(Timer& timer, Duration after) { timers_.arm(timer, now_ + after); }
  void arm_at(Timer& timer, Instant when) { timers_.arm(timer, when); }

  /// Runs turns until stop(). The error is the back end's and ends the loop.
  Result<> run(ReactorClient& client);
  /// One turn; waits no longer than `limit` where that is given.
  Result<> turn(ReactorClient& client, std::optional<Duration> limit = std::nullopt);

  /// Ends run() after the turn that is under way. From any thread.
  void stop();

  /// Makes a sleeping reactor look at its mail; costs no system call when it is awake. To be
  /// called after the mail was put in place, once a turn and not for each message.
  void wake();

 private:
  std::unique_ptr<Backend> backend_;
  Instant (*clock_)();
  Instant now_;
  TimerWheel timers_;
  bool work_left_ = false;
  std::uint64_t turns_ = 0;
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<bool> asleep_{false};
};

}  // namespace peal::io
