// SPDX-License-Identifier: Apache-2.0
#include "core/io/reactor.h"

#include <algorithm>

namespace peal::io {

Result<> Reactor::run(ReactorClient& client) {
  while (!stopping_.load(std::memory_order_relaxed))
    if (auto done = turn(client); !done) return done;
  return {};
}

Result<> Reactor::turn(ReactorClient& client, std::optional<Duration> limit) {
  Duration timeout = std::min(timers_.until_next(now_).value_or(kLongestWait), kLongestWait);
  if (limit) timeout = std::min(timeout, *limit);
  if (work_left_) timeout = Duration::zero();
  if (timeout > Duration::zero()) {
    // The exchange orders this flag before the look at the mail; wake() has the counterpart.
    asleep_.exchange(true, std::memory_order_seq_cst);
    if (client.has_mail()) timeout = Duration::zero();
  }
  auto done = backend_->wait(timeout);
  asleep_.store(false, std::memory_order_relaxed);
  now_ = clock_();
  ++turns_;
  if (done) backend_->deliver(client);
  while (Timer* timer = timers_.expire(now_)) client.on_timer(*timer);
  work_left_ = client.on_turn_end();
  return done;
}

void Reactor::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  backend_->wake();
}

void Reactor::wake() {
  if (asleep_.exchange(false, std::memory_order_seq_cst)) backend_->wake();
}

}  // namespace peal::io
