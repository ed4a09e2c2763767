// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "core/conn/connection_table.h"
#include "core/hub/hub.h"

namespace peal::conn {

/// Lets in what is published, on other shards and on this one, as far as the hub has room. When
/// there is too little for both they have it in turns: whoever came first always would take all
/// that becomes free.
///
/// Owner: a Shard. Thread: the shard's.
class Intake {
 public:
  /// Both outlive it.
  Intake(hub::Hub& hub, ConnectionTable& table) : hub_(hub), table_(table) {}

  /// Takes mail, and lets publishers go on who wait. To be called once a turn.
  void work() {
    if (ours_first_ && !hub_.congested()) {
      ours_first_ = false;
      resume_publishers();
    }
    const bool had_room = !hub_.congested();
    hub_.take_mail();
    if (!hub_.congested())
      resume_publishers();
    else if (had_room)
      ours_first_ = true;
  }

 private:
  /// Each once, as long as there is room.
  void resume_publishers() {
    for (std::size_t left = table_.waiting_publishers(); left > 0 && !hub_.congested(); --left)
      table_.resume_publisher();
  }

  hub::Hub& hub_;
  ConnectionTable& table_;
  bool ours_first_ = false;  // mail has taken the room that there was last
};

}  // namespace peal::conn
