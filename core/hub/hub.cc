// SPDX-License-Identifier: Apache-2.0
#include "core/hub/hub.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace peal::hub {
namespace {

// Of one turn's mail, so that this shard's connections have their turn, too: messages put into
// outboxes, and parcels of a lane.
constexpr std::size_t kPushesPerTurn = 4096;
constexpr int kParcelsPerTurn = 1024;

constexpr std::uint32_t kPagesAQueue = 4;   // what is sent of the past leaves room for the present
constexpr std::size_t kLatestTopics = 256;  // that one use may be behind with

bool is_sender(const Outbox& outbox, ShardIndex shard, const Sender& sender) {
  return outbox.id() == sender.outbox && shard == sender.shard;
}

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
      client_(*setup.client),
      due_(*setup.due),
      home_(memory_, *this,
            {.self = setup.self,
             .shards = setup.mesh->shards(),
             .policies = setup.policies,
             .now = setup.now,
             .history_memory = setup.history_memory}) {
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
    use.ready = use.live = topic.ready_for(use);
    if (!use.ready) topic.waiting_.emplace_back(&use, replay);
  } else if (topic.opened()) {
    ask(use, replay);
  } else {
    topic.waiting_.emplace_back(&use, replay);
  }
  return use;
}

void Hub::count_in(Topic& topic, TopicUse& use) {
  use.position = static_cast<std::uint32_t>(topic.subscribers_.size());
  topic.subscribers_.push_back(&use);
  const FormSet wants = use.outbox->wants();
  for (std::size_t i = 0; i < kForms; ++i) topic.wanting_[i] += wants.has(static_cast<Form>(i));
  note_count(topic);
}

void Hub::count_out(Topic& topic, const TopicUse& use) {
  TopicUse* moved = topic.subscribers_.back();
  topic.subscribers_[use.position] = moved;
  moved->position = use.position;
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
  else if (use->live)
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
  if (topic.uses_ == 0) {
    tell_homes(topic, {.kind = Parcel::Kind::close});
    (topic.is_pattern_ ? patterns_by_name_ : topics_by_name_).erase(topic.name_);
    topics_.erase(topic.id_);
    return false;
  }
  const FormSet wants = topic.wants();
  if (wants == topic.told_) return true;
  topic.told_ = wants;
  topic.unanswered_ += static_cast<std::uint32_t>(topic.homes_.size());
  tell_homes(topic, {.kind = Parcel::Kind::interest,
                     .wants = wants,
                     .subscribers = static_cast<std::uint32_t>(topic.subscribers())});
  return true;
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
      use.ready = use.live = true;
      client_.on_topic_ready(use);
    }
  }
  waiting.erase(first_due, waiting.end());
}

// ---- The past ----------------------------------------------------------------------------------

/// Asks the home for a page. What it is told of this shard's wishes before goes the same way, so
/// the messages after the last page will come in the form that the use needs.
void Hub::ask(TopicUse& use, const Replay& replay) {
  const Topic::HomeLink& home = use.topic->homes_.front();
  use.asks = true;
  use.asking = asking_.emplace(&use).id;
  const Parcel question{.kind = Parcel::Kind::replay,
                        .wants = use.outbox->wants(),
                        .home_topic = home.id,
                        .asking = use.asking,
                        .room = use.policy->queue_size / kPagesAQueue,
                        .replay = replay};
  if (home.shard != self()) {
    port_.send(home.shard, question);
  } else {
    own_questions_.push_back(question);
  }
}

void Hub::take_page(ShardIndex from, const Parcel& parcel) {
  Asking* asking = asking_.find(parcel.asking);
  if (!asking) {  // left meanwhile
    if (parcel.page) release_page(from, *std::unique_ptr<Page>(parcel.page));
    return;
  }
  TopicUse& use = *asking->use;
  asking_.erase(parcel.asking);
  use.asks = false;
  use.latest = nullptr;
  use.gap = parcel.gap;
  use.offset = parcel.offset;
  if (!use.ready) {
    use.ready = true;
    client_.on_topic_ready(use);
  } else if (use.gap) {
    client_.on_gap(use);
  }
  if (parcel.page) push_page(from, use, *std::unique_ptr<Page>(parcel.page));
  use.live = !parcel.more;
  if (!use.live) use.outbox->set_wants_room(true);
  due_.add_delivery(*use.outbox);
}

void Hub::release_page(ShardIndex from, const Page& page) {
  for (const Page::Entry& entry : page.entries) {
    if (from == self())
      memory_.release(entry.message);
    else
      release_original(from, entry.message);
  }
}

void Hub::push_page(ShardIndex from, TopicUse& use, const Page& page) {
  for (const Page::Entry& entry : page.entries) {
    Message* message = entry.message;
    if (from != self())
      message = memory_.make_stand_in(from, entry.message, entry.frame, entry.forms, entry.offset);
    use.offset = entry.offset;
    if (use.outbox->own_ids() && use.outbox->is_open()) client_.on_event(use);
    use.outbox->push_admitted(memory_, message);
    memory_.release(message);
  }
  counters_.delivered += page.entries.size();
  pushes_ += page.entries.size();
}

void Hub::on_room(TopicUse* uses) {
  bool wants_room = false;
  for (TopicUse* use = uses; use; use = use->next) {
    if (!use->subscribes || !use->ready) continue;
    if (use->live) {
      push_latest(*use);
    } else if (!use->live && !use->asks) {
      ask(*use, {.from = Replay::From::since, .epoch = process_epoch(), .value = use->offset});
    }
    wants_room = wants_room || (use->live && use->latest);
  }
  if (uses) uses->outbox->set_wants_room(wants_room);
}

// ---- Messages ----------------------------------------------------------------------------------

void Hub::publish(const TopicUse& use, Message* message, const Sender& sender) {
  PEAL_DCHECK(use.ready && !use.topic->is_pattern_);
  const Topic::HomeLink& home = use.topic->homes_.front();
  const Parcel parcel{.kind = Parcel::Kind::publish,
                      .sender = sender,
                      .home_topic = home.id,
                      .frame = message->frame,
                      .original = message};
  carry(home.shard, parcel);
}

void Hub::post(std::string_view topic, Message* message, Ticket ticket, const Sender& sender) {
  const ShardIndex home = home_of(topic);
  if (home == self()) {
    const Parcel receipt = home_.post(topic, message, sender);
    client_.on_posted(ticket, {process_epoch(), receipt.offset}, receipt.subscribers);
    return;
  }
  Message* name = memory_.make_raw_message(as_bytes(topic));
  port_.send(home, {.kind = Parcel::Kind::post,
                    .sender = sender,
                    .ticket = ticket,
                    .frame = message->frame,
                    .original = message,
                    .name = name->frame,
                    .name_original = name});
}

/// Whether a message that was just published is in a page that the use has got, or will get.
bool Hub::comes_by_page(const TopicUse& use, const Message& message) {
  if (use.topic->is_pattern_) return false;
  return use.live ? message.offset <= use.offset : use.ready || use.resumes;
}

void Hub::deliver(Topic& topic, Message* message, const Parcel& about) {
  pushes_ += topic.subscribers_.size();
  for (TopicUse* use : topic.subscribers_) {
    if (is_sender(*use->outbox, self(), about.sender)) continue;
    const bool paged = comes_by_page(*use, *message);
    // What comes with a page need not come by a pattern of the same client as well.
    const bool first =
        about.serial == 0 || (!use->live && !paged) || use->outbox->first_of(about.serial);
    if (!use->live || paged || !first) continue;
    if (use->latest || !push(*use, message)) set_latest(*use, about.name_hash, message);
    due_.add_delivery(*use->outbox);
  }
}

/// False when it did not go in and something newer is as good.
bool Hub::push(TopicUse& use, Message* message) {
  Outbox& outbox = *use.outbox;
  if (outbox.admits(*message, *use.policy)) {
    if (!use.topic->is_pattern_) use.offset = message->offset;
    if (outbox.own_ids()) client_.on_event(use);
    outbox.push_admitted(memory_, message);
    ++counters_.delivered;
    return true;
  }
  if (use.policy->slow_client == SlowClient::latest && !outbox.is_shut()) return false;
  ++counters_.dropped;
  return true;
}

/// Keeps a message in place of an older one of its topic, until there is room.
void Hub::set_latest(TopicUse& use, std::uint64_t topic, Message* message) {
  ++message->references;
  use.outbox->set_wants_room(true);
  TopicUse::Latest** link = &use.latest;
  std::size_t count = 0;
  for (; *link; link = &(*link)->next, ++count) {
    if ((*link)->topic != topic) continue;
    ++counters_.conflated;
    memory_.release(std::exchange((*link)->message, message));
    return;
  }
  *link = latest_.take({.message = message, .topic = topic});
  if (count < kLatestTopics) return;
  TopicUse::Latest* oldest = std::exchange(use.latest, use.latest->next);
  ++counters_.dropped;
  memory_.release(oldest->message);
  latest_.give(oldest);
}

void Hub::push_latest(TopicUse& use) {
  while (TopicUse::Latest* first = use.latest) {
    if (!push(use, first->message)) return;
    use.latest = first->next;
    memory_.release(first->message);
    latest_.give(first);
  }
}

void Hub::drop_latest(TopicUse& use) {
  while (TopicUse::Latest* first = use.latest) {
    use.latest = first->next;
    memory_.release(first->message);
    latest_.give(first);
  }
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
  Parcel parcel;
  for (ShardIndex from = 0; from < port_.shards(); ++from) {
    if (from == self()) continue;
    for (int i = 0; i < kParcelsPerTurn && pushes_ < kPushesPerTurn; ++i) {
      if (!port_.take(from, Mesh::Lane::down, parcel)) break;
      take_parcel(from, parcel);
    }
    for (int i = 0; i < kParcelsPerTurn && pushes_ < kPushesPerTurn; ++i) {
      if (port_.waits(Mesh::Lane::down) || !port_.take(from, Mesh::Lane::up, parcel)) break;
      take_parcel(from, parcel);
    }
  }
  tell_counts();
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
    case Kind::interest:
    case Kind::count:
    case Kind::close:
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
