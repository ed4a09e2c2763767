// SPDX-License-Identifier: Apache-2.0
// The way of messages: published ones to their home, and the past and the present to subscribers.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/hub/hub.h"

namespace peal::hub {
namespace {

constexpr std::uint32_t kPagesAQueue = 4;   // what is sent of the past leaves room for the present
constexpr std::size_t kLatestTopics = 256;  // that one use may be behind with
constexpr Duration kLongest =
    std::chrono::hours(1);  // of a fan-out, so that the sum keeps its sense

bool is_sender(const Outbox& outbox, ShardIndex shard, const Sender& sender) {
  return outbox.id() == sender.outbox && shard == sender.shard;
}

}  // namespace

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
  counters_of(use).delivered += page.entries.size();
  pushes_ += page.entries.size();
}

void Hub::on_room(TopicUse* uses) {
  bool wants_room = false;
  for (TopicUse* use = uses; use; use = use->next) {
    if (!use->subscribes || !use->ready) continue;
    if (use->live) {
      push_latest(*use);
    } else if (!use->asks) {
      ask(*use, {.from = Replay::From::since, .epoch = process_epoch(), .value = use->offset});
    }
    wants_room = wants_room || (use->live && use->latest);
  }
  if (!uses) return;
  uses->outbox->set_wants_room(wants_room);
  if (!uses->outbox->empty()) due_.add_delivery(*uses->outbox);
}

// ---- Messages ----------------------------------------------------------------------------------

void Hub::publish(const TopicUse& use, Message* message, const Sender& sender) {
  PEAL_DCHECK(use.ready && !use.topic->is_pattern_);
  const Topic::HomeLink& home = use.topic->homes_.front();
  const Parcel parcel{.kind = Parcel::Kind::publish,
                      .sender = sender,
                      .home_topic = home.id,
                      .came = now_,
                      .frame = message->frame,
                      .original = message};
  carry(home.shard, parcel);
}

void Hub::post(std::string_view topic, Message* message, Ticket ticket, const Sender& sender) {
  const ShardIndex home = home_of(topic);
  if (home == self()) {
    const Parcel receipt = home_.post(topic, message, sender, now_);
    client_.on_posted(ticket, {process_epoch(), receipt.offset}, receipt.subscribers);
    return;
  }
  Message* name = memory_.make_raw_message(as_bytes(topic));
  port_.send(home, {.kind = Parcel::Kind::post,
                    .sender = sender,
                    .ticket = ticket,
                    .came = now_,
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
  if (!fanout_.under_way && about.came >= fanout_.next) begin_fanout(about.came);
}

void Hub::begin_fanout(Instant came) {
  fanout_.under_way = true;
  fanout_.came = came;
  fanout_.place = due_.end();
  fanout_.next = now_ + kFanoutPause;
}

/// A turn is over: is it there? A clock of its own, as the turn's is read before any of it is sent.
void Hub::watch_fanout() {
  if (!due_.is_past(fanout_.place)) return;
  fanout_.under_way = false;
  fanout_.times.observe(std::min<Duration>(Clock::now() - fanout_.came, kLongest));
}

HubCounters& HubCounters::operator+=(const HubCounters& more) {
  delivered += more.delivered;
  dropped += more.dropped;
  lost += more.lost;
  conflated += more.conflated;
  return *this;
}

HubCounters Hub::counters() const {
  HubCounters sum;
  for (const HubCounters& route : counters_) sum += route;
  return sum;
}

/// False when it did not go in and something newer is as good.
bool Hub::push(TopicUse& use, Message* message) {
  Outbox& outbox = *use.outbox;
  if (outbox.admits(*message, *use.policy)) {
    if (!use.topic->is_pattern_) use.offset = message->offset;
    if (outbox.own_ids()) client_.on_event(use);
    outbox.push_admitted(memory_, message);
    ++counters_of(use).delivered;
    return true;
  }
  if (use.policy->slow_client == SlowClient::latest && !outbox.is_shut()) return false;
  HubCounters& counters = counters_of(use);
  ++(use.policy->slow_client == SlowClient::disconnect || outbox.is_shut() ? counters.lost
                                                                           : counters.dropped);
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
    ++counters_of(use).conflated;
    memory_.release(std::exchange((*link)->message, message));
    return;
  }
  *link = latest_.take({.message = message, .topic = topic});
  if (count < kLatestTopics) return;
  TopicUse::Latest* oldest = std::exchange(use.latest, use.latest->next);
  ++counters_of(use).dropped;
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

}  // namespace peal::hub
