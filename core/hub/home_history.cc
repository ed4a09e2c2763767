// SPDX-License-Identifier: Apache-2.0
// What topics keep, and what time brings.
#include <algorithm>
#include <utility>

#include "core/hub/home.h"

namespace peal::hub {
namespace {

constexpr Duration kSweep = std::chrono::seconds(1);  // between two looks at what is too old
constexpr std::size_t kLetGoPerPublish = 64;          // messages, some microseconds
constexpr std::size_t kLetGoPerTurn = 1024;
constexpr std::size_t kPacedPerTurn = 256;   // messages, so that others have their turn, too
constexpr std::size_t kSweptPerTurn = 4096;  // the same of those that are too old

}  // namespace

// ---- History -----------------------------------------------------------------------------------

void Home::keep(HomeTopic& topic, Message* message) {
  History& history = *topic.history;
  const std::size_t before = history.cost();
  const std::size_t expired = history.expire(memory_, *setup_.now, kLetGoPerPublish);
  history.add(memory_, message, *setup_.now, kLetGoPerPublish);
  history_bytes_ += history.cost() - before;
  history.unlink();
  histories_like(topic).push_back(history);
  latest_ = topic.id;
  make_room(kLetGoPerPublish - expired, History::cost_of(*message));
}

void Home::pop_front(History& history) {
  const std::size_t before = history.cost();
  history.pop_front(memory_);
  history_bytes_ -= before - history.cost();
}

void Home::clear(History& history) {
  history_bytes_ -= history.cost();
  history.clear(memory_);
  history.unlink();
}

/// What is in it goes in shares, see trim(), apart from its topic: that may have another one by
/// then, which begins behind what is not kept meanwhile.
void Home::drop_history(HomeTopic& topic) {
  history_bytes_ -= topic.history->cost() + kTopicCost;
  topic.history->unlink();
  if (!topic.history->empty()) dropped_.push_back(std::move(topic.history));
  topic.history.reset();
}

/// Gives up `steps` messages or topics at most where memory is short; and more, if they took less
/// than `bytes`: what comes must not be more than what goes.
void Home::make_room(std::size_t steps, std::size_t bytes) {
  const std::size_t before = history_bytes_;
  owes_room_ = false;
  while (history_bytes_ > setup_.history_memory) {
    owes_room_ = steps == 0 && before - history_bytes_ >= bytes;
    if (owes_room_ || !give_way()) return;
    if (steps > 0) --steps;
  }
}

/// A topic that nobody uses and that keeps nothing goes first, then the oldest message of the
/// history that was published to least recently. False when nothing may go.
bool Home::give_way() {
  if (const History* bare = bare_.pop_front()) {
    end(*topics_.find(bare->topic()));
    return true;
  }
  History* history = oldest();
  if (!history) return false;
  HomeTopic& topic = *topics_.find(history->topic());
  if (!history->gives_way() && topic.id != latest_) ++counters_.evicted;
  history->set_gives_way();
  pop_front(*history);
  if (history->empty()) {
    clear(*history);
    end_if_unused(topic);
  }
  return true;
}

/// The history that was published to least recently; null when there is none, but for the newest
/// message of all.
History* Home::oldest() {
  History* found = nullptr;
  for (IntrusiveList<History>& list : histories_) {
    History* history = list.front();
    if (!history || (history->topic() == latest_ && history->size() <= 1)) continue;
    if (!found || history->newest() < found->newest()) found = history;
  }
  return found;
}

/// Of what may still be sent: what is too old may not, although it goes a share at a time.
std::uint64_t Home::first_kept(HomeTopic& topic) {
  if (!topic.history || topic.history->empty()) return topic.next;
  return topic.history->first_offset(*setup_.now);
}

void Home::replay(ShardIndex from, const Parcel& question) {
  HomeTopic* topic = topics_.find(question.home_topic);
  PEAL_CHECK(topic);
  keep_up(*topic);
  const Replay& wish = question.replay;
  const std::uint64_t first = first_kept(*topic);
  std::uint64_t start = topic->next;
  Parcel answer{.kind = Parcel::Kind::page, .asking = question.asking};
  if (wish.from == Replay::From::last) {
    start -= std::min(topic->next - first, wish.value);
  } else if (wish.from == Replay::From::since) {
    const bool known = wish.epoch == process_epoch() && wish.value < topic->next;
    answer.gap = !known || wish.value + 1 < first;
    start = answer.gap ? first : wish.value + 1;
  }
  // Where the newest is all that anybody hears, the older ones are history.
  if (topic->pace && start + 1 < topic->next) start = topic->next - 1;
  answer.offset = start - 1;
  // What waits for its pace is still to come to those who have not read it elsewhere.
  if (start == topic->next && (wish.from != Replay::From::since || answer.gap) && topic->pace &&
      topic->pace->newest)
    --answer.offset;
  if (start < topic->next) {
    answer.page = topic->history->page(memory_, start, question.room, question.wants, topic->name);
    answer.more = start + answer.page->entries.size() < topic->next;
  }
  carrier_.carry(from, answer);
}

// ---- Time --------------------------------------------------------------------------------------

std::optional<Instant> Home::next_due() {
  std::optional<Instant> due;
  const auto look_at = [&due](Instant when) { due = due ? std::min(*due, when) : when; };
  for (IntrusiveList<Pace>& list : paces_)
    if (const Pace* pace = list.front()) look_at(pace->next);
  const bool ages = std::ranges::any_of(histories_, [](IntrusiveList<History>& list) {
    const History* history = list.front();
    return history && history->policy().history_age > Duration::zero();
  });
  if (ages) look_at(next_sweep_);
  return due;
}

bool Home::work() {
  if (history_bytes_ > setup_.history_memory) make_room(kLetGoPerTurn, 0);
  const bool follows = follow_policies();
  trim();
  return follows || owes_room();
}

/// Lets go of a share of what histories have above their size.
void Home::trim() {
  std::size_t left = kLetGoPerTurn;
  for (; !dropped_.empty(); dropped_.pop_back()) {
    History& history = *dropped_.back();
    for (; left > 0 && !history.empty(); --left) history.pop_front(memory_);
    if (!history.empty()) return;
  }
  for (; !surplus_.empty(); surplus_.pop_back()) {
    HomeTopic* topic = topics_.find(surplus_.back());
    if (!topic || !topic->history) continue;
    History& history = *topic->history;
    for (; left > 0 && history.surplus() > 0; --left) pop_front(history);
    if (history.surplus() > 0) return;
  }
}

void Home::on_due() {
  send_paced();
  if (*setup_.now >= next_sweep_ && sweep()) next_sweep_ = *setup_.now + kSweep;
}

void Home::send_paced() {
  const Instant now = *setup_.now;
  std::size_t left = kPacedPerTurn;
  for (IntrusiveList<Pace>& list : paces_) {
    for (Pace* pace = list.front(); pace && pace->next <= now; pace = list.front()) {
      if (left-- == 0) return;  // the others are due in the next turn
      HomeTopic& topic = *topics_.find(pace->topic);
      keep_up(topic);
      if (!topic.pace) {  // since a moment ago
        end_if_unused(topic);
        continue;
      }
      pace->unlink();
      Message* message = std::exchange(pace->newest, nullptr);
      if (!message) {
        end_if_unused(topic);
        continue;
      }
      pace->next = now + topic.policy->pace;
      paces_like(topic).push_back(*pace);
      fan_out(topic, message, {}, now);
      memory_.release(message);
    }
  }
}

/// Gives up histories whose newest message is too old. False when a turn is too short for all.
bool Home::sweep() {
  std::size_t left = kSweptPerTurn;
  for (IntrusiveList<History>& list : histories_) {
    while (History* history = list.front()) {
      const Duration age = history->policy().history_age;
      if (age <= Duration::zero() || *setup_.now - history->newest() < age) break;
      for (; left > 0 && history->size() > 1; --left) pop_front(*history);
      if (left == 0) return false;
      --left;
      clear(*history);
      end_if_unused(*topics_.find(history->topic()));
    }
  }
  return true;
}

bool Home::keeps() const {
  const auto any = [](const auto& list) { return !list.empty(); };
  return std::ranges::any_of(histories_, any) || std::ranges::any_of(paces_, any);
}

void Home::give_up(std::size_t most) {
  for (IntrusiveList<Pace>& list : paces_)
    while (Pace* pace = list.pop_front())
      if (pace->newest) memory_.release(std::exchange(pace->newest, nullptr));
  for (IntrusiveList<History>& list : histories_) {
    while (History* history = list.front()) {
      for (; most > 0 && !history->empty(); --most) pop_front(*history);
      if (!history->empty()) return;
      clear(*history);
    }
  }
}

}  // namespace peal::hub
