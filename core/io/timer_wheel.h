// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/time.h"

namespace peal::io {

/// One pending time-out. Owner: embedded in whatever it wakes; neither copied nor moved while
/// armed. Cancels itself on destruction.
class Timer {
 public:
  /// `owner` comes back when the timer fires; what it means is the wheel's user's business.
  explicit Timer(std::uint32_t owner) : owner_(owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  bool armed() const { return link_ != nullptr; }
  std::uint32_t owner() const { return owner_; }
  void cancel();

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this timer; null when not armed
  std::uint32_t tick_ = 0;
  std::uint32_t owner_;
};

/// Time-outs in O(1): a hierarchy of wheels (Varghese and Lauck), each slot of a higher wheel
/// spread over the wheel below when its time comes.
///
/// Owner: a Reactor. Thread: the reactor's.
/// Limits: kTick steps; never early, at most one tick late.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(4);
  static constexpr std::uint32_t kFarthestTicks = 1u << 30;  ///< 49 days; later ones fire then

  explicit TimerWheel(Instant start) : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Fires once at `when` or soon after. An armed timer is moved.
  void arm(Timer& timer, Instant when);

  /// How long until advance() has something to do: never later than the next expiry; nullopt when
  /// nothing is armed.
  std::optional<Duration> until_next(Instant now);

  /// Takes one timer that has expired by `now` out of the wheel; null when there is none (left).
  Timer* expire(Instant now);

 private:
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 8;
  static constexpr std::uint32_t kSlots = 1u << kSlotBits;

  struct Level {
    std::array<Timer*, kSlots> slots{};
    std::array<std::uint64_t, kSlots / 64> busy{};  // a clear bit is an empty slot
  };

  std::uint32_t tick_at(Instant when) const;
  void place(Timer& timer);
  void spread(int level);
  void step(std::uint32_t target);
  std::optional<std::uint32_t> next_busy(Level& level, std::uint32_t from);

  Instant start_;
  std::uint32_t now_tick_ = 0;  // every slot up to and including this tick has been served
  std::array<Level, kLevels> levels_;
};

}  // namespace peal::io
