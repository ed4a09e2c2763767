// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/base/time.h"

namespace peal::server {

/// What the service manager is told (sd_notify(3)). Without one, $NOTIFY_SOCKET that is, nothing
/// happens.
///
/// Owner: the Server. Thread: main's. Errors: none; who does not listen is not told.
class Notify {
 public:
  Notify();

  /// Whether anybody listens.
  bool on() const { return on_; }
  /// How often alive() is due at least, from WatchdogSec= of the unit; nullopt: nobody waits for
  /// it.
  std::optional<Duration> watchdog() const { return watchdog_; }

  /// Serving, after the start and after each reloading().
  void ready();
  /// A new configuration is being taken up; ready() follows, whatever comes of it.
  void reloading();
  /// Asked to stop.
  void stopping();
  /// A line for `systemctl status`; told when it differs from the last one.
  void status(const std::string& line);
  /// The watchdog may wait anew.
  void alive();

 private:
  bool on_ = false;
  std::optional<Duration> watchdog_;
  std::string status_;
};

}  // namespace peal::server
