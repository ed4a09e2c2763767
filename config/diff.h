// SPDX-License-Identifier: Apache-2.0
// What one configuration says other than another.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace peal::config {

/// Keys and tables by their dotted names. A table that one of the two lacks is named as a whole.
struct Diff {
  std::vector<std::string> added;    ///< "route.chat", or "route.chat.replay.last"
  std::vector<std::string> removed;  ///< the same
  std::vector<std::string> changed;  ///< "limits.message_size"
  /// What a process cannot change while it runs, and how: "server.threads: 2 stays, 4 needs a
  /// restart".
  std::vector<std::string> kept;

  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
  /// "added: route.chat; changed: limits.message_size, log.level", or "nothing has changed".
  std::string text() const;
};

/// Both as made by load(). What cannot change is as before in `now` afterwards.
Diff diff(const Config& before, Config& now);

/// Where requests that come by a listener of `before` come in by one of `now`, so that connections
/// can keep the number they have: puts the listeners of `now` in an order in which each has the
/// index that it had in `before`, and leaves nameless ones that no route answers on in the places
/// of those that are gone. A listener is the same one when it has the address of before (with port
/// 0, the name as well), or its name, and asks the same certificates of clients, or none any more.
void keep_places(const std::vector<Listen>& before, Config& now);

/// Whether a socket of one of them will do for the other: the address is the same, and with port 0
/// the name as well.
bool same_address(const Listen& a, const Listen& b);

/// Whether it is nobody's: see keep_places().
inline bool is_gone(const Listen& listen) {
  return listen.name.empty();
}

}  // namespace peal::config
