// SPDX-License-Identifier: Apache-2.0
#include "server/rebinding.h"

#include <algorithm>
#include <utility>

#include "config/diff.h"
#include "server/answers.h"
#include "server/kept_request.h"
#include "server/peal_v1.h"

namespace peal::server {
namespace {

using conn::Phase;

constexpr Duration kLook = std::chrono::milliseconds(100);  // between two looks at those held

/// It has said goodbye, or been told so.
bool is_ending(const conn::Connection& connection) {
  const Phase phase = connection.state.phase;
  return phase == Phase::closing || phase == Phase::lingering || phase == Phase::closed;
}

PendingPoll* poll_under_way(conn::Connection& connection) {
  const bool polls = connection.state.phase == Phase::answering && connection.topics;
  return polls ? static_cast<KeptRequest&>(*connection.exchange).poll.get() : nullptr;
}

/// The publish request that is read, or owed an answer.
const Publication* publication_under_way(const conn::Connection& connection) {
  const Phase phase = connection.state.phase;
  const bool publishes =
      phase == Phase::receiving || (phase == Phase::answering && !connection.topics);
  return publishes ? static_cast<const KeptRequest&>(*connection.exchange).publication.get()
                   : nullptr;
}

config::Transport transport_used_by(const conn::Connection& connection) {
  if (!connection.policy) return config::Transport::poll;
  return connection.state.streams ? config::Transport::sse : config::Transport::websocket;
}

}  // namespace

void Rebinding::begin(const Site& now, const SpreadPolicy& spread, std::uint32_t seed) {
  site_ = &now;
  policy_ = spread;
  seed_ = seed;
  changes_.clear();
  leaving_.clear();
  held_.clear();
  spread_.reset();
  cursor_ = 0;
  walks_ = true;
}

bool Rebinding::work() {
  if (walks_) return walk();
  const bool left = say_goodbyes();
  if (!held_.empty() && table_.now() >= next_look_) look_after_held();
  return left;
}

std::optional<Instant> Rebinding::next_due() const {
  std::optional<Instant> due;
  if (spread_ && !spread_->done()) due = spread_->next();
  if (!held_.empty()) due = due ? std::min(*due, next_look_) : next_look_;
  return due;
}

/// True, also at its end, as work() goes on with something else then.
bool Rebinding::walk() {
  for (int left = kSlotsPerTurn; cursor_ < table_.slots(); ++cursor_) {
    if (left-- == 0) return true;
    if (conn::Connection* connection = table_.at(cursor_)) visit(*connection);
  }
  end_walk();
  return true;
}

void Rebinding::end_walk() {
  walks_ = false;
  changes_.clear();
  spread_.emplace(table_.now(), policy_, leaving_.size(), seed_);
  next_look_ = table_.now() + kLook;
}

/// What a connection refers to, as long as that is of a site before.
const Route* Rebinding::route_before(conn::Connection& connection) const {
  const Route* route = nullptr;
  if (const Publication* publication = publication_under_way(connection))
    route = publication->route;
  else if (const PendingPoll* poll = poll_under_way(connection))
    route = poll->route;
  else if (connection.policy)
    route = &route_of(connection);
  return route && !site_->has(*route) ? route : nullptr;
}

bool Rebinding::came_by_closed_door(const conn::Connection& connection) const {
  return config::is_gone(site_->config().listen[connection.state.listener]);
}

void Rebinding::visit(conn::Connection& connection) {
  const Route* before = route_before(connection);
  if (!before) {
    if (came_by_closed_door(connection) && !is_ending(connection))
      leaving_.push_back(connection.id());
    return;
  }
  // What is begun by one route is not ended by another.
  if (is_ending(connection) || publication_under_way(connection)) {
    held_.push_back(connection.id());
    return;
  }
  const RouteChange& change = change_of(*before);
  if (!change.keeps(connection.state.listener, transport_used_by(connection),
                    PealV1::is_spoken(connection), connection.topics))
    leaving_.push_back(connection.id());
  else if (PendingPoll* poll = poll_under_way(connection))
    poll->route = change.next();
  else
    table_.set_policy(connection, *change.next());
}

const RouteChange& Rebinding::change_of(const Route& route) {
  return changes_.try_emplace(&route, route, *site_).first->second;
}

bool Rebinding::say_goodbyes() {
  if (!spread_) return false;
  for (int closes = 0; !spread_->done() && spread_->next() <= table_.now(); spread_->take()) {
    if (closes++ == kClosesPerTurn) return true;
    const SlotId id = leaving_.back();
    leaving_.pop_back();
    conn::Connection* connection = table_.find(id);
    // It may have gone on to something else meanwhile.
    if (!connection || !(route_before(*connection) || came_by_closed_door(*connection))) continue;
    table_.send_away(*connection, ws::CloseCode::going_away, "the configuration has changed");
    held_.push_back(id);
  }
  return false;
}

/// Lets go of those that refer to nothing before any more.
void Rebinding::look_after_held() {
  next_look_ = table_.now() + kLook;
  std::erase_if(held_, [this](SlotId id) {
    conn::Connection* connection = table_.find(id);
    return !connection || connection->state.phase == Phase::closed || !route_before(*connection);
  });
}

}  // namespace peal::server
