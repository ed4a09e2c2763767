// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "config/config.h"
#include "config/topic_pattern.h"
#include "core/hub/hub.h"
#include "server/site.h"

namespace peal::server {

/// What becomes of the connections of a route when another configuration takes its place. They are
/// matched by the name of their route, and stay when somebody who comes now would get what they
/// have. A value.
///
/// They go when the route is gone or has another type, select, or what clients may publish to;
/// when it does not answer on their listener any more, or by their transport; when it has not all
/// of their topics. Origins, hosts and tokens were for their request to show: they stay.
class RouteChange {
 public:
  /// `before` need not be of `now`. Valid as long as both.
  RouteChange(const Route& before, const Site& now);

  /// Where those who stay belong from now on; null: nobody stays.
  const Route* next() const { return next_; }

  /// Whether a connection stays. `listener`: index into Config::listen of `now`. `speaks_peal_v1`:
  /// of a WebSocket, which keeps in mind what it may choose.
  bool keeps(std::size_t listener, config::Transport transport, bool speaks_peal_v1,
             const hub::TopicUse* uses) const;

 private:
  bool has(const hub::Topic& topic) const;

  const Route* next_ = nullptr;
  std::vector<bool> listeners_;    // it answers there
  bool keeps_publishers_ = false;  // WebSockets publish to the same topics, or not any more
  bool keeps_choice_ = false;      // what clients may choose is the same
  /// What it has; nullopt: the same as before.
  std::optional<std::vector<config::TopicPattern>> topics_;
};

}  // namespace peal::server
