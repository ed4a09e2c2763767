// SPDX-License-Identifier: Apache-2.0
#include "core/io/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace peal::io {

void Timer::cancel() {
  if (!link_) return;
  *link_ = next_;
  if (next_) next_->link_ = link_;
  link_ = nullptr;
}

TimerWheel::~TimerWheel() {
  for (Level& level : levels_)
    for (Timer*& head : level.slots)
      while (head) head->cancel();
}

std::uint32_t TimerWheel::tick_at(Instant when) const {
  return static_cast<std::uint32_t>((when - start_) / kTick);
}

void TimerWheel::arm(Timer& timer, Instant when) {
  timer.cancel();
  const Instant rounded_up = when + kTick - Duration(1);
  const auto ahead = static_cast<std::int32_t>(tick_at(rounded_up) - now_tick_);
  timer.tick_ =
      now_tick_ + static_cast<std::uint32_t>(std::clamp<std::int32_t>(ahead, 1, kFarthestTicks));
  place(timer);
}

void TimerWheel::place(Timer& timer) {
  const std::uint32_t ahead = timer.tick_ - now_tick_;
  const int rank = ahead < kSlots ? 0 : (std::bit_width(ahead) - 1) / kSlotBits;
  const std::uint32_t slot = (timer.tick_ >> (rank * kSlotBits)) % kSlots;
  Level& level = levels_[static_cast<std::size_t>(rank)];
  Timer*& head = level.slots[slot];
  timer.next_ = head;
  timer.link_ = &head;
  if (head) head->link_ = &timer.next_;
  head = &timer;
  level.busy[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::spread(int rank) {
  const std::uint32_t slot = (now_tick_ >> (rank * kSlotBits)) % kSlots;
  if (slot == 0 && rank + 1 < kLevels) spread(rank + 1);
  Level& level = levels_[static_cast<std::size_t>(rank)];
  Timer* timer = level.slots[slot];
  while (timer) {
    Timer* following = timer->next_;
    timer->cancel();
    place(*timer);
    timer = following;
  }
  level.busy[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
}

/// The first busy slot from `from` on, going round; says how many slots away it is.
std::optional<std::uint32_t> TimerWheel::next_busy(Level& level, std::uint32_t from) {
  for (std::uint32_t away = 0; away < kSlots;) {
    const std::uint32_t slot = (from + away) % kSlots;
    const std::uint64_t rest = level.busy[slot / 64] >> (slot % 64);
    if (rest == 0) {
      away += 64 - slot % 64;
      continue;
    }
    away += static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint32_t found = (from + away) % kSlots;
    if (level.slots[found]) return away < kSlots ? std::optional(away) : std::nullopt;
    level.busy[found / 64] &= ~(std::uint64_t{1} << (found % 64));  // its timers were cancelled
  }
  return std::nullopt;
}

std::optional<Duration> TimerWheel::until_next(Instant now) {
  std::optional<std::uint32_t> ahead;
  for (int rank = 0; rank < kLevels; ++rank) {
    const int shift = rank * kSlotBits;
    const std::uint32_t position = now_tick_ >> shift;
    const std::uint32_t first = rank == 0 ? position : position + 1;
    const auto away = next_busy(levels_[static_cast<std::size_t>(rank)], first % kSlots);
    if (!away) continue;
    const std::uint32_t ticks = ((first + *away) << shift) - now_tick_;
    ahead = ahead ? std::min(*ahead, ticks) : ticks;
  }
  if (!ahead) return std::nullopt;
  // now_tick_ may lag behind `now`: count from the wheel's own position.
  const auto behind = static_cast<std::uint32_t>(tick_at(now) - now_tick_);
  if (*ahead <= behind) return Duration::zero();
  const Duration into_tick = (now - start_) % kTick;
  return (*ahead - behind) * kTick - into_tick;
}

void TimerWheel::step(std::uint32_t target) {
  // Skips to just before the next slot that matters: a busy one, or the turn of a higher wheel.
  const std::uint32_t to_turn = kSlots - now_tick_ % kSlots;
  const auto busy = next_busy(levels_[0], (now_tick_ + 1) % kSlots);
  const std::uint32_t stride = std::min({busy ? *busy + 1 : to_turn, to_turn, target - now_tick_});
  now_tick_ += stride;
  if (now_tick_ % kSlots == 0) spread(1);
}

Timer* TimerWheel::expire(Instant now) {
  const std::uint32_t target = tick_at(now);
  while (true) {
    if (Timer* timer = levels_[0].slots[now_tick_ % kSlots]) {
      timer->cancel();
      return timer;
    }
    if (static_cast<std::int32_t>(target - now_tick_) <= 0) return nullptr;
    step(target);
  }
}

}  // namespace peal::io
