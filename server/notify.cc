// SPDX-License-Identifier: Apache-2.0
#include "server/notify.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>

namespace peal::server {

Notify::Notify() : on_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  std::uint64_t microseconds = 0;
  if (on_ && sd_watchdog_enabled(0, &microseconds) > 0)
    watchdog_ = std::chrono::microseconds(microseconds);
}

void Notify::ready() {
  sd_notify(0, ("READY=1\nMAINPID=" + std::to_string(::getpid())).c_str());
}

/// sd_notify(3): Type=notify-reload compares the time with that of its signal.
void Notify::reloading() {
  using std::chrono::microseconds;
  const auto now = std::chrono::duration_cast<microseconds>(Clock::now().time_since_epoch());
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count())).c_str());
}

void Notify::stopping() {
  sd_notify(0, "STOPPING=1");
}

void Notify::status(const std::string& line) {
  if (!on_ || line == status_) return;
  status_ = line;
  sd_notify(0, ("STATUS=" + line).c_str());
}

void Notify::alive() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace peal::server
