// SPDX-License-Identifier: Apache-2.0
#include "core/hub/hub.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace peal::hub {
namespace {

bool is_sender(const Outbox& outbox, ShardIndex shard, const Sender& sender) {
  return outbox.id() == sender.outbox && shard == sender.shard;
}

bool needs_plain(const Outbox& outbox) {
  return !outbox.deflate().shares_all();
}
bool takes_compressed(const Outbox& outbox) {
  return outbox.deflate().longest_shared() > 0;
}

}  // namespace

Hub::Hub(Memory& memory, Mesh& mesh, ShardIndex self, TopicWaiter& waiter,
         DueList& due)
    : memory_(memory), port_(mesh, self), waiter_(waiter), due_(due) {
  memory_.set_original_keeper(*this);
}

Hub::~Hub() = default;

ShardIndex Hub::home_of(std::string_view name) const {
  return static_cast<ShardIndex>(KeyedTextHash{}(name) % port_.shards());
}

// ---- A connection's uses -----------------------------------------------------------------------

TopicUse& Hub::subscribe(TopicUse*& uses, std::string_view topic, Outbox& outbox,
                         const OutboxPolicy& policy) {
  return add_use(uses, topic, {.outbox = &outbox, .policy = &policy, .subscribes = true});
}

TopicUse& Hub::open(TopicUse*& uses, std::string_view topic, Outbox& outbox) {
  return add_use(uses, topic, {.outbox = &outbox});
}

TopicUse& Hub::add_use(TopicUse*& uses, std::string_view name, const TopicUse& kind) {
  const auto found = topics_by_name_.find(name);
  const bool fresh = found == topics_by_name_.end();
  Topic& topic = fresh ? topics_.emplace(name, home_of(name)) : *found->second;
  TopicUse& use = *uses_.take(kind);
  use.topic = &topic;
  use.next = std::exchange(uses, &use);
  ++topic.uses_;
  if (use.subscribes) {
    use.position = static_cast<std::uint32_t>(topic.subscribers_.size());
    topic.subscribers_.push_back(&use);
    topic.plain_ += needs_plain(*use.outbox);
    topic.compressed_ += takes_compressed(*use.outbox);
  }
  if (fresh)
    open_topic(topic);
  else
    reconcile(topic);
  use.ready = topic.ready_for(use);
  if (!use.ready) topic.waiting_.push_back(&use);
  return use;
}

void Hub::open_topic(Topic& topic) {
  topics_by_name_.emplace(topic.name_, &topic);
  topic.told_ = topic.wants();
  Parcel question{.kind = Parcel::Kind::open, .wants = topic.told_, .topic = topic.id_};
  question.frame = as_bytes(topic.name_);
  if (topic.home_ != self()) {
    question.original = memory_.make_raw_message(question.frame);
    question.frame = question.original->frame;
  }
  ask(topic, question);
}

void Hub::leave(TopicUse*& uses) {
  while (TopicUse* use = uses) {
    uses = use->next;
    remove_use(use);
  }
}

void Hub::remove_use(TopicUse* use) {
  Topic& topic = *use->topic;
  if (use->subscribes) {
    TopicUse* moved = topic.subscribers_.back();
    topic.subscribers_[use->position] = moved;
    moved->position = use->position;
    topic.subscribers_.pop_back();
    topic.plain_ -= needs_plain(*use->outbox);
    topic.compressed_ -= takes_compressed(*use->outbox);
  }
  if (!use->ready) std::erase(topic.waiting_, use);
  uses_.give(use);
  --topic.uses_;
  reconcile(topic);
}

/// Brings the home's knowledge of this shard's use in line with what it is by now. The topic may
/// be gone after it.
void Hub::reconcile(Topic& topic) {
  if (!topic.opened_) return;  // the answer calls again
  const Parcel about{.topic = topic.id_, .home_topic = topic.home_topic_};
  if (topic.uses_ == 0) {
    Parcel farewell = about;
    farewell.kind = Parcel::Kind::close;
    hand_over(topic.home_, farewell);
    topics_by_name_.erase(topic.name_);
    topics_.erase(topic.id_);
    return;
  }
  if (topic.wants() == topic.told_) return;
  topic.told_ = topic.wants();
  Parcel question = about;
  question.kind = Parcel::Kind::interest;
  question.wants = topic.told_;
  ask(topic, question);
}

void Hub::ask(Topic& topic, const Parcel& question) {
  ++topic.unanswered_;
  hand_over(topic.home_, question);
}

void Hub::hand_over(ShardIndex to, const Parcel& parcel) {
  if (to == self())
    take_parcel(self(), parcel);
  else
    port_.send(to, parcel);
}

void Hub::answered(SlotId id, SlotId home_topic) {
  Topic* topic = topics_.find(id);
  if (!topic) return;  // left meanwhile
  --topic->unanswered_;
  topic->home_topic_ = home_topic;
  topic->opened_ = true;
  reconcile(*topic);
  topic = topics_.find(id);
  if (!topic) return;
  auto& waiting = topic->waiting_;
  const auto first_ready = std::partition(waiting.begin(), waiting.end(),
                                          [&](TopicUse* use) { return !topic->ready_for(*use); });
  for (auto use = first_ready; use != waiting.end(); ++use) {
    (*use)->ready = true;
    waiter_.on_topic_ready(**use);
  }
  waiting.erase(first_ready, waiting.end());
}

void Hub::publish(const TopicUse& use, Message* message, const Sender& sender) {
  const Topic& topic = *use.topic;
  PEAL_DCHECK(use.ready);
  if (topic.home_ == self())
    home_publish(topic.home_topic_, message, sender);
  else
    port_.send(topic.home_, {.kind = Parcel::Kind::publish,
                             .sender = sender,
                             .home_topic = topic.home_topic_,
                             .frame = message->frame,
                             .original = message});
}

void Hub::deliver(SlotId id, const Forms& forms, const Sender& sender) {
  Topic* topic = topics_.find(id);
  if (!topic) return;  // the last subscriber left while the message was under way
  const std::uint64_t size =
      forms.plain ? forms.plain->frame.size() : std::numeric_limits<std::uint64_t>::max();
  for (const TopicUse* use : topic->subscribers_) {
    Outbox& outbox = *use->outbox;
    // A use that the home has not noted yet may need another form than was sent.
    if (!use->ready || is_sender(outbox, self(), sender)) continue;
    const ws::DeflateAgreement& deflate = outbox.deflate();
    if (forms.compressed && size <= deflate.longest_shared())
      outbox.push_message(memory_, forms.compressed, *use->policy);
    else
      outbox.push_message(memory_, forms.plain, *use->policy,
                          deflate.on && size > deflate.longest_shared());
    due_.add_delivery(outbox);
  }
}

// ---- A topic's home ----------------------------------------------------------------------------

SlotId Hub::home_open(std::string_view name, ShardIndex user, SlotId topic, Wants wants) {
  auto found = home_topics_by_name_.find(name);
  if (found == home_topics_by_name_.end()) {
    HomeTopic& made = home_topics_.emplace(name, port_.shards());
    found = home_topics_by_name_.emplace(name, &made).first;
  }
  HomeTopic& home = *found->second;
  HomeTopic::User& entry = home.users[user];
  PEAL_CHECK(!entry.uses);
  entry = {.topic = topic, .uses = true, .wants = wants};
  ++home.user_count;
  return home.id;
}

void Hub::home_interest(SlotId home_topic, ShardIndex user, Wants wants) {
  HomeTopic* home = home_topics_.find(home_topic);
  PEAL_CHECK(home && home->users[user].uses);
  home->users[user].wants = wants;
}

void Hub::home_close(SlotId home_topic, ShardIndex user) {
  HomeTopic* home = home_topics_.find(home_topic);
  PEAL_CHECK(home && home->users[user].uses);
  home->users[user] = {};
  if (--home->user_count > 0) return;
  home_topics_by_name_.erase(home->name);
  home_topics_.erase(home_topic);
}

void Hub::home_publish(SlotId home_topic, Message* message, const Sender& sender) {
  if (HomeTopic* home = home_topics_.find(home_topic)) {
    const bool wanted = std::ranges::any_of(
        home->users, [](const HomeTopic::User& user) { return user.wants.compressed; });
    Message* const compressed = wanted ? memory_.make_compressed(*message) : nullptr;
    for (ShardIndex shard = 0; shard < home->users.size(); ++shard) {
      const HomeTopic::User& user = home->users[shard];
      if (!user.wants.any()) continue;
      const Forms forms{.plain = user.wants.plain || !compressed ? message : nullptr,
                        .compressed = user.wants.compressed ? compressed : nullptr};
      if (shard == self())
        deliver(user.topic, forms, sender);
      else
        post(shard, user.topic, forms, sender);
    }
    if (compressed) memory_.release(compressed);
  }
  memory_.release(message);
}

void Hub::post(ShardIndex to, SlotId topic, const Forms& forms, const Sender& sender) {
  Parcel parcel{.kind = Parcel::Kind::deliver, .sender = sender, .topic = topic};
  if (forms.plain) {
    ++forms.plain->references;
    parcel.frame = forms.plain->frame;
    parcel.original = forms.plain;
  }
  if (forms.compressed) {
    ++forms.compressed->references;
    parcel.compressed = forms.compressed->frame;
    parcel.compressed_original = forms.compressed;
  }
  port_.send(to, parcel);
}

// ---- Mail --------------------------------------------------------------------------------------

void Hub::take_mail() {
  constexpr int kPerTurn = 1024;  // of a lane, so that this shard's connections have their turn too
  Parcel parcel;
  for (ShardIndex from = 0; from < port_.shards(); ++from) {
    if (from == self()) continue;
    for (int i = 0; i < kPerTurn && port_.take(from, Mesh::Lane::down, parcel); ++i)
      take_parcel(from, parcel);
    for (int i = 0; i < kPerTurn && !port_.waits(Mesh::Lane::down); ++i) {
      if (!port_.take(from, Mesh::Lane::up, parcel)) break;
      take_parcel(from, parcel);
    }
  }
}

void Hub::take_parcel(ShardIndex from, const Parcel& parcel) {
  switch (parcel.kind) {
    case Parcel::Kind::open: {
      const SlotId home_topic = home_open(as_text(parcel.frame), from, parcel.topic, parcel.wants);
      if (parcel.original) release_original(from, parcel.original);
      answer(from, parcel.topic, home_topic);
      break;
    }
    case Parcel::Kind::interest:
      home_interest(parcel.home_topic, from, parcel.wants);
      answer(from, parcel.topic, parcel.home_topic);
      break;
    case Parcel::Kind::answer:
      answered(parcel.topic, parcel.home_topic);
      break;
    case Parcel::Kind::close:
      home_close(parcel.home_topic, from);
      break;
    case Parcel::Kind::publish:
      home_publish(parcel.home_topic, memory_.make_stand_in(from, parcel.original, parcel.frame),
                   parcel.sender);
      break;
    case Parcel::Kind::deliver:
      take_delivery(from, parcel);
      break;
    case Parcel::Kind::release:
      memory_.release(parcel.original);
      break;
  }
}

void Hub::take_delivery(ShardIndex from, const Parcel& parcel) {
  Forms forms;
  if (parcel.original) forms.plain = memory_.make_stand_in(from, parcel.original, parcel.frame);
  if (parcel.compressed_original)
    forms.compressed = memory_.make_stand_in(from, parcel.compressed_original, parcel.compressed);
  deliver(parcel.topic, forms, parcel.sender);
  for (Message* message : {forms.plain, forms.compressed})
    if (message) memory_.release(message);
}

void Hub::answer(ShardIndex to, SlotId topic, SlotId home_topic) {
  hand_over(to, {.kind = Parcel::Kind::answer, .topic = topic, .home_topic = home_topic});
}

void Hub::release_original(ShardIndex home, Message* original) {
  port_.send(home, {.kind = Parcel::Kind::release, .original = original});
}

}  // namespace peal::hub
