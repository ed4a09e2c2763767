// SPDX-License-Identifier: Apache-2.0
#include "server/drain.h"

namespace peal::server {

void Drain::begin(const SpreadPolicy& policy, std::uint32_t seed) {
  spread_ = Spread(table_.now(), policy, table_.size(), seed);
}

bool Drain::work() {
  int slots_left = kSlotsPerTurn;
  for (int closes = 0; !spread_.done() && spread_.next() <= table_.now(); ++closes) {
    if (closes == kClosesPerTurn) return true;
    conn::Connection* connection = next_connection(slots_left);
    if (!connection) {
      if (slots_left == 0) return true;
      spread_ = {};  // some went by themselves
      break;
    }
    table_.send_away(*connection, ws::CloseCode::going_away, "this server is going down");
    spread_.take();
  }
  return false;
}

/// Null at the end of the table, and when enough slots were looked at.
conn::Connection* Drain::next_connection(int& slots_left) {
  for (; cursor_ < table_.slots() && slots_left > 0; --slots_left)
    if (conn::Connection* connection = table_.at(cursor_++)) return connection;
  return nullptr;
}

std::optional<Instant> Drain::next_due() const {
  if (spread_.done()) return std::nullopt;
  return spread_.next();
}

}  // namespace peal::server
