// SPDX-License-Identifier: Apache-2.0
// Who uses which topics, and the mail between shards.
#include "core/hub/hub.h"

#include <algorithm>
#include <utility>

namespace peal::hub {
namespace {

// Of one turn's mail, so that this shard's connections have their turn, too: messages put into
// outboxes, and parcels of a lane.
constexpr std::size_t kPushesPerTurn = 4096;
constexpr int kParcelsPerTurn = 1024;
constexpr std::size_t kGivenUpPerStep = 1024;  // messages: as many as another's mail has room for

}  // namespace

FormSet Topic::wants() const {
  FormSet wants;
  for (std::size_t i = 0; i < kForms; ++i)
    if (wanting_[i] > 0) wants |= static_cast<Form>(i);
  return wants;
}

Hub::Hub(const Setup& setup)
    : memory_(*setup.memory),
      port_(*setup.mesh, setup.self),
      held_(setup.mesh->shards()),
      pushes_at_once_(setup.pushes_at_once),
      client_(*setup.client),
      due_(*setup.due),
      home_(memory_, *this,
            {.self = setup.self,
             .shards = setup.mesh->shards(),
             .policies = setup.policies,
             .now = setup.now,
             .history_memory = setup.history_memory}),
      now_(*setup.now),
      counters_(1) {
  memory_.set_original_keeper(*this);
}

Hub::~Hub() = default;

ShardIndex Hub::home_of(std::string_view name) const {
  return static_cast<ShardIndex>(KeyedTextHash{}(name) % port_.shards());
}

// ---- A connection's uses -----------------------------------------------------------------------

TopicUse& Hub::subscribe(TopicUse*& uses, std::string_view topic, Outbox& outbox,
                         const OutboxPolicy& policy, const Replay& replay) {
  return add_use(uses, topic, outbox, &policy, replay, false);
}

TopicUse& Hub::subscribe_pattern(TopicUse*& uses, std::string_view pattern, Outbox& outbox,
                                 const OutboxPolicy& policy) {
  return add_use(uses, pattern, outbox, &policy, {}, true);
}

TopicUse& Hub::open(TopicUse*& uses, std::string_view topic, Outbox& outbox) {
  return add_use(uses, topic, outbox, nullptr, {}, false);
}

/// `policy`: null for a use that only publishes.
TopicUse& Hub::add_use(TopicUse*& uses, std::string_view name, Outbox& outbox,
                       const OutboxPolicy* policy, const Replay& replay, bool is_pattern) {
  ByName<Topic*>& by_name = is_pattern ? patterns_by_name_ : topics_by_name_;
  const auto found = by_name.find(name);
  const bool fresh = found == by_name.end();
  Topic& topic = fresh ? topics_.emplace(name, is_pattern) : *found->second;
  if (fresh) by_name.emplace(topic.name_, &topic);
  TopicUse& use = *uses_.take({});
  use.topic = &topic;
  use.outbox = &outbox;
  if (is_pattern) outbox.note_pattern();
  use.policy = policy;
  use.subscribes = policy != nullptr;
  use.resumes = replay.from == Replay::From::since;
  use.next = std::exchange(uses, &use);
  ++topic.uses_;
  if (use.subscribes) count_in(topic, use);
  if (fresh)
    open_topic(topic);
  else
    reconcile(topic);
  if (replay.from == Replay::From::nothing) {
    use.ready = topic.ready_for(use);
    if (use.ready)
      go_live(use, deliveries_);
    else
      topic.waiting_.emplace_back(&use, replay);
  } else if (topic.opened()) {
    ask(use, replay);
  } else {
    topic.waiting_.emplace_back(&use, replay);
  }
  return use;
}

void Hub::count_in(Topic& topic, TopicUse& use) {
  if (use.policy->number >= counters_.size()) counters_.resize(use.policy->number + 1);
  ++subscriptions_;
  use.position = static_cast<std::uint32_t>(topic.subscribers_.size());
  topic.subscribers_.push_back(&use);
  const FormSet wants = use.outbox->wants();
  for (std::size_t i = 0; i < kForms; ++i) topic.wanting_[i] += wants.has(static_cast<Form>(i));
  note_count(topic);
}

void Hub::count_out(Topic& topic, const TopicUse& use) {
  --subscriptions_;
  std::uint32_t place = use.position;
  const auto fill = [&](std::size_t from) {
    if (from == place) return;
    topic.subscribers_[place] = topic.subscribers_[from];
    topic.subscribers_[place]->position = place;
    place = static_cast<std::uint32_t>(from);
  };
  if (is_served(topic, use)) fill(--unfinished_.front().next);  // those stay in front
  fill(topic.subscribers_.size() - 1);
  topic.subscribers_.pop_back();
  const FormSet wants = use.outbox->wants();
  for (std::size_t i = 0; i < kForms; ++i) topic.wanting_[i] -= wants.has(static_cast<Form>(i));
  note_count(topic);
}

void Hub::open_topic(Topic& topic) {
  if (topic.is_pattern_) {
    for (ShardIndex shard = 0; shard < port_.shards(); ++shard) topic.homes_.emplace_back(shard);
  } else {
    topic.homes_.emplace_back(home_of(topic.name_));
  }
  topic.told_ = topic.wants();
  topic.unopened_ = topic.unanswered_ = static_cast<std::uint32_t>(topic.homes_.size());
  Parcel question{.kind = Parcel::Kind::open,
                  .wants = topic.told_,
                  .pattern = topic.is_pattern_,
                  .subscribers = static_cast<std::uint32_t>(topic.subscribers()),
                  .topic = topic.id_};
  for (std::size_t i = 0; i < topic.homes_.size(); ++i) {
    question.frame = as_bytes(topic.name_);
    question.original = nullptr;
    if (topic.homes_[i].shard != self()) {
      question.original = memory_.make_raw_message(question.frame);
      question.frame = question.original->frame;
    }
    carry(topic.homes_[i].shard, question);
  }
}

void Hub::leave(TopicUse*& uses) {
  if (uses) drop_all_latest(*uses->outbox);
  while (TopicUse* use = uses) {
    uses = use->next;
    remove_use(use);
  }
}

void Hub::leave(TopicUse*& uses, TopicUse& use) {
  TopicUse** link = &uses;
  while (*link != &use) link = &(*link)->next;
  *link = use.next;
  remove_use(&use);
}

void Hub::remove_use(TopicUse* use) {
  Topic& topic = *use->topic;
  if (use->subscribes) count_out(topic, *use);
  if (use->asks)
    asking_.erase(use->asking);
  else if (use->live && use->subscribes)
    drop_latest(*use);
  else if (!use->ready)
    std::erase_if(topic.waiting_, [&](const auto& waiting) { return waiting.first == use; });
  uses_.give(use);
  --topic.uses_;
  reconcile(topic);
}

/// Brings the homes' knowledge of this shard's use in line with what it is by now. False when the
/// topic is gone after it.
bool Hub::reconcile(Topic& topic) {
  if (!topic.opened()) return true;  // the answer calls again
  if (topic.uses_ == 0) return !close_topic(topic);
  const FormSet wants = topic.wants();
  if (wants == topic.told_) return true;
  topic.told_ = wants;
  topic.unanswered_ += static_cast<std::uint32_t>(topic.homes_.size());
  tell_homes(topic, {.kind = Parcel::Kind::interest,
                     .wants = wants,
                     .subscribers = static_cast<std::uint32_t>(topic.subscribers())});
  return true;
}

/// `close` goes by another lane than what was published before, and must not come before it. False
/// when it has to wait, as a part of that does.
bool Hub::close_topic(Topic& topic) {
  const auto waits = [this](const Topic::HomeLink& home) {
    return port_.waits(home.shard, Mesh::Lane::up);
  };
  if (!topic.is_pattern_ && std::ranges::any_of(topic.homes_, waits)) {
    late_closes_.push_back(topic.id_);
    return false;
  }
  tell_homes(topic, {.kind = Parcel::Kind::close});
  (topic.is_pattern_ ? patterns_by_name_ : topics_by_name_).erase(topic.name_);
  topics_.erase(topic.id_);
  return true;
}

void Hub::close_late() {
  for (const SlotId id : std::exchange(late_closes_, {}))
    if (Topic* topic = topics_.find(id); topic && topic->uses_ == 0) close_topic(*topic);
}

void Hub::tell_homes(Topic& topic, const Parcel& parcel) {
  Parcel told = parcel;
  told.pattern = topic.is_pattern_;
  told.topic = topic.id_;
  for (std::size_t i = 0; i < topic.homes_.size(); ++i) {
    told.home_topic = topic.homes_[i].id;
    carry(topic.homes_[i].shard, told);
  }
}

/// Homes are told how many subscribers there are once a turn, and not for each that comes or goes.
void Hub::note_count(Topic& topic) {
  if (std::exchange(topic.count_changed_, true)) return;
  count_changes_.push_back(topic.id_);
}

void Hub::tell_counts() {
  for (const SlotId id : count_changes_) {
    Topic* topic = topics_.find(id);
    if (!topic) continue;
    topic->count_changed_ = false;
    if (topic->opened())
      tell_homes(*topic, {.kind = Parcel::Kind::count,
                          .subscribers = static_cast<std::uint32_t>(topic->subscribers())});
  }
  count_changes_.clear();
}

void Hub::on_answer(ShardIndex from, const Parcel& answer) {
  Topic* topic = topics_.find(answer.topic);
  if (!topic) return;  // left meanwhile
  --topic->unanswered_;
  for (Topic::HomeLink& home : topic->homes_) {
    if (home.shard != from || home.opened) continue;
    home.opened = true;
    home.id = answer.home_topic;
    --topic->unopened_;
    note_count(*topic);  // it may have changed since the question
  }
  if (topic->opened() && reconcile(*topic)) make_ready(*topic);
}

/// Goes on with the uses that have waited for the homes to answer.
void Hub::make_ready(Topic& topic) {
  auto& waiting = topic.waiting_;
  const auto first_due = std::partition(waiting.begin(), waiting.end(), [&](const auto& entry) {
    return entry.second.from == Replay::From::nothing && !topic.ready_for(*entry.first);
  });
  for (auto due = first_due; due != waiting.end(); ++due) {
    TopicUse& use = *due->first;
    if (due->second.from != Replay::From::nothing) {
      ask(use, due->second);
    } else {
      use.ready = true;
      go_live(use, deliveries_);
      client_.on_topic_ready(use);
    }
  }
  waiting.erase(first_due, waiting.end());
}

/// Before `number` there are perhaps some that wait, and are for others.
void Hub::go_live(TopicUse& use, std::uint64_t number) {
  use.live = true;
  use.since = number & ((std::uint64_t{1} << 48) - 1);
}

// ---- Mail --------------------------------------------------------------------------------------

void Hub::carry(ShardIndex to, const Parcel& parcel) {
  if (to == self()) {
    take_parcel(self(), parcel);
    return;
  }
  if (parcel.page) pushes_ += parcel.page->entries.size();
  port_.send(to, parcel);
}

void Hub::take_mail() {
  pushes_ = 0;
  for (std::size_t left = own_questions_.size(); left > 0 && pushes_ < kPushesPerTurn; --left) {
    const Parcel question = own_questions_.pop_front();
    if (asking_.find(question.asking)) home_.take(self(), question);
  }
  // What there was no room for is first the next time. Else what a shard has asked for goes before
  // what it has published.
  const std::size_t lanes = 2 * std::size_t{port_.shards()};
  std::size_t left = lanes;
  for (; left > 0 && has_room(); --left)
    take_mail_of(std::exchange(next_lane_, (next_lane_ + 1) % lanes));
  if (left == 0) next_lane_ = (next_lane_ / 2 + 1) * 2 % lanes;
  tell_counts();
  close_late();
  works_ = home_.work();
}

/// Whether mail may bring more about in this turn.
bool Hub::has_room() const {
  return pushes_ < kPushesPerTurn && unfinished_.size() < kMostUnfinished;
}

/// Of each shard two lanes, down and up.
void Hub::take_mail_of(std::size_t number) {
  const auto from = static_cast<ShardIndex>(number / 2);
  const auto lane = number % 2 == 0 ? Mesh::Lane::down : Mesh::Lane::up;
  if (from == self()) return;
  Parcel parcel;
  for (int i = 0; i < kParcelsPerTurn && has_room(); ++i) {
    if (lane == Mesh::Lane::up && port_.waits(Mesh::Lane::down)) break;
    if (!port_.take(from, lane, parcel)) break;
    take_parcel(from, parcel);
  }
}

void Hub::settle() {
  take_mail();
  go_on_delivering(SIZE_MAX);
  home_.give_up(kGivenUpPerStep);
  port_.flush([](ShardIndex) {});
}

bool Hub::settled() const {
  return !has_mail() && !congested() && !works() && !home_.keeps() && late_closes_.empty();
}

void Hub::take_parcel(ShardIndex from, const Parcel& parcel) {
  using Kind = Parcel::Kind;
  switch (parcel.kind) {
    case Kind::open:
      home_.take(from, parcel);
      if (parcel.original) release_original(from, parcel.original);
      break;
    case Kind::post:
      home_.take(from, parcel);
      release_original(from, parcel.name_original);
      break;
    case Kind::close:
      take_publications(from);
      home_.take(from, parcel);
      break;
    case Kind::interest:
    case Kind::count:
    case Kind::replay:
    case Kind::publish:
      home_.take(from, parcel);
      break;
    case Kind::answer:
      on_answer(from, parcel);
      break;
    case Kind::page:
      take_page(from, parcel);
      break;
    case Kind::receipt:
      client_.on_posted(parcel.ticket, {process_epoch(), parcel.offset}, parcel.subscribers);
      break;
    case Kind::deliver:
      take_delivery(from, parcel);
      break;
    case Kind::release:
      memory_.release(parcel.original);
      break;
  }
}

/// What a shard has published before it closed a topic: no more than its lane holds.
void Hub::take_publications(ShardIndex from) {
  if (from == self()) return;
  Parcel parcel;
  for (std::size_t left = Mesh::kCapacity; left > 0; --left) {
    if (!port_.take(from, Mesh::Lane::up, parcel)) break;
    take_parcel(from, parcel);
  }
}

/// What was published once is delivered at once to all that it is for: with another publication
/// between, Outbox::first_of() would forget.
void Hub::take_delivery(ShardIndex from, const Parcel& parcel) {
  if (from == self()) {
    if (Topic* topic = topics_.find(parcel.topic)) deliver(*topic, parcel.original, parcel);
    return;
  }
  std::vector<Parcel>& held = held_[from];
  if (parcel.more) {
    held.push_back(parcel);
    return;
  }
  for (const Parcel& earlier : held) deliver_from(from, earlier);
  held.clear();
  deliver_from(from, parcel);
}

void Hub::deliver_from(ShardIndex from, const Parcel& parcel) {
  Topic* topic = topics_.find(parcel.topic);
  if (!topic) {  // the last subscriber left while the message was under way
    release_original(from, parcel.original);
    return;
  }
  Message* message =
      memory_.make_stand_in(from, parcel.original, parcel.frame, parcel.forms, parcel.offset);
  deliver(*topic, message, parcel);
  memory_.release(message);
}

void Hub::release_original(ShardIndex home, Message* original) {
  port_.send(home, {.kind = Parcel::Kind::release, .original = original});
}

}  // namespace peal::hub
