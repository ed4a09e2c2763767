// SPDX-License-Identifier: Apache-2.0
// The way of messages: published ones to their home, and the past and the present to subscribers.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/hub/hub.h"

namespace peal::hub {
namespace {

constexpr std::uint32_t kPagesAQueue = 4;    // what is sent of the past leaves room for the present
constexpr std::size_t kLatestTopics = 1024;  // that one client may be behind with
constexpr Duration kLongest =
    std::chrono::hours(1);  // of a fan-out, so that the sum keeps its sense

bool is_sender(const Outbox& outbox, ShardIndex shard, const Sender& sender) {
  return outbox.id() == sender.outbox && shard == sender.shard;
}

std::size_t messages_of(const Page* page) {
  return page ? page->entries.size() : 0;
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

/// It waits for what came before it where that may be in it, and still to come by a pattern. Nobody
/// else waits for what is for others.
void Hub::take_page(ShardIndex from, const Parcel& parcel) {
  const Asking* asking = asking_.find(parcel.asking);
  if (!delivers() || !asking || !asking->use->outbox->had_patterns())
    return bring_page(from, parcel, deliveries_);
  pushes_ += messages_of(parcel.page);
  unfinished_.push_back({.from = from, .about = parcel, .number = deliveries_});
}

/// `number`: of the first delivery after it.
void Hub::bring_page(ShardIndex from, const Parcel& parcel, std::uint64_t number) {
  Asking* asking = asking_.find(parcel.asking);
  if (!asking) {  // left meanwhile
    if (parcel.page) release_page(from, *std::unique_ptr<Page>(parcel.page));
    return;
  }
  TopicUse& use = *asking->use;
  asking_.erase(parcel.asking);
  use.asks = false;
  use.gap = parcel.gap;
  use.offset = parcel.offset;
  if (!use.ready) {
    use.ready = true;
    client_.on_topic_ready(use);
  } else if (use.gap) {
    client_.on_gap(use);
  }
  if (parcel.page) push_page(from, use, *std::unique_ptr<Page>(parcel.page));
  if (!parcel.more) {
    go_live(use, number);
  } else {
    use.outbox->set_wants_room(true);
    use.outbox->set_wants_page(true);
  }
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
  drop_older(use, page.entries.front().offset);
  for (const Page::Entry& entry : page.entries) {
    Message* message = entry.message;
    if (from != self())
      message = memory_.make_stand_in(from, entry.message, entry.frame, entry.forms, entry.offset);
    use.offset = entry.offset;
    if (use.outbox->own_ids() && use.outbox->is_open()) client_.on_event(use);
    counters_of(use).delivered += use.outbox->push_admitted(memory_, message);
    memory_.release(message);
  }
  pushes_ += page.entries.size();
}

void Hub::on_room(TopicUse* uses) {
  if (!uses) return;
  Outbox& outbox = *uses->outbox;
  outbox.set_wants_room(!push_latest(outbox));
  const bool pages = outbox.wants_page();
  outbox.set_wants_page(false);
  for (TopicUse* use = pages ? uses : nullptr; use; use = use->next)
    if (use->subscribes && use->ready && !use->live && !use->asks)
      ask(*use, {.from = Replay::From::since, .epoch = process_epoch(), .value = use->offset});
  if (!outbox.empty()) due_.add_delivery(outbox);
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

/// Not what had come before it went live, nor what comes by a pattern before its client is told
/// that it has one: who knows whether the pages of its topics have it.
bool Hub::is_for(const TopicUse& use, std::uint64_t number) {
  if (use.topic->is_pattern_ && use.outbox->opening()) return false;
  return !use.live || number >= use.since;
}

/// Whether a message that was just published is in a page that the use has got, or will get.
bool Hub::comes_by_page(const TopicUse& use, const Message& message) {
  if (use.topic->is_pattern_) return false;
  return use.live ? message.offset <= use.offset : use.ready || use.resumes;
}

/// Subscribers lie apart from each other, and most of a delivery is waiting for their memory.
void Hub::fetch_ahead(const std::vector<TopicUse*>& uses, std::size_t at) {
  constexpr std::size_t kUses = 24, kOutboxes = 16, kEnds = 8;
  if (at + kEnds < uses.size()) uses[at + kEnds]->outbox->fetch_end();
  if (at + kUses < uses.size()) __builtin_prefetch(uses[at + kUses], 1);
  if (at + kOutboxes >= uses.size()) return;
  const auto* outbox = reinterpret_cast<const std::byte*>(uses[at + kOutboxes]->outbox);
  __builtin_prefetch(outbox, 1);
  __builtin_prefetch(outbox + 64, 1);
}

/// To many it takes some turns, or all else would wait meanwhile. What comes after that waits for
/// it: everybody is to see one order.
void Hub::deliver(Topic& topic, Message* message, const Parcel& about) {
  const std::uint64_t number = deliveries_++;
  const std::size_t subscribers = topic.subscribers_.size();
  if (unfinished_.empty() && subscribers <= pushes_at_once_)
    return deliver_part(topic, {message, about, number, 0, subscribers});
  ++message->references;
  unfinished_.push_back({.message = message, .about = about, .number = number});
}

void Hub::go_on_delivering(std::size_t pushes) {
  while (pushes > 0 && !unfinished_.empty()) {
    Unfinished& first = unfinished_.front();
    if (!first.message) {
      const Unfinished waits = unfinished_.pop_front();
      pushes -= std::min(pushes, 1 + messages_of(waits.about.page));
      bring_page(waits.from, waits.about, waits.number);
      continue;
    }
    if (const Topic* topic = topics_.find(first.about.topic)) {
      const std::size_t left = topic->subscribers_.size() - first.next;
      const std::size_t part = std::min(pushes, left);
      const std::size_t begin = std::exchange(first.next, first.next + part);
      deliver_part(*topic, {first.message, first.about, first.number, begin, first.next});
      if (part < left) return;
      pushes -= part;
    }
    memory_.release(unfinished_.pop_front().message);
  }
}

/// Whether a subscriber has got already what others of its topic have not.
bool Hub::is_served(const Topic& topic, const TopicUse& use) {
  return delivers() && unfinished_.front().about.topic == topic.id_ &&
         use.position < unfinished_.front().next;
}

/// With the last of the subscribers it is there.
void Hub::deliver_part(const Topic& topic, const Part& part) {
  const auto& [message, about, number, begin, end] = part;
  pushes_ += end - begin;
  for (std::size_t i = begin; i < end; ++i) {
    fetch_ahead(topic.subscribers_, i);
    TopicUse* const use = topic.subscribers_[i];
    if (!is_for(*use, number)) continue;
    if (is_sender(*use->outbox, self(), about.sender)) continue;
    const bool paged = comes_by_page(*use, *message);
    // What comes with a page need not come by a pattern of the same client as well.
    const bool first =
        about.serial == 0 || (!use->live && !paged) || use->outbox->first_of(about.serial);
    if (!use->live || paged || !first) continue;
    if (is_behind(*use) || !push(*use, message)) set_latest(*use, about.name_hash, message);
    due_.add_delivery(*use->outbox);
  }
  const bool all = end == topic.subscribers_.size();
  if (all && !fanout_.under_way && about.came >= fanout_.next) begin_fanout(about.came);
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
    counters_of(use).delivered += outbox.push_admitted(memory_, message);
    return true;
  }
  if (use.policy->slow_client == SlowClient::latest && !outbox.is_shut()) return false;
  HubCounters& counters = counters_of(use);
  ++(use.policy->slow_client == SlowClient::disconnect || outbox.is_shut() ? counters.lost
                                                                           : counters.dropped);
  return true;
}

// ---- SlowClient::latest ------------------------------------------------------------------------

/// Null for a client that was never behind.
LatestQueue* Hub::latest_of(const Outbox& outbox) {
  const auto found = latest_queues_.find(outbox.id().index);
  return found == latest_queues_.end() ? nullptr : &found->second;
}

/// Whether something waits already, so that what comes has to wait its turn: also when its policy
/// is another one by now.
bool Hub::is_behind(const TopicUse& use) {
  if (!use.outbox->wants_room()) return false;
  const LatestQueue* queue = latest_of(*use.outbox);
  return queue && !queue->empty();
}

/// Keeps a message in place of an older one of its topic, until there is room.
void Hub::set_latest(TopicUse& use, std::uint64_t topic, Message* message) {
  LatestQueue& queue = latest_queues_[use.outbox->id().index];
  ++message->references;
  use.outbox->set_wants_room(true);
  if (Latest* older = queue.find(topic)) {
    ++counters_of(use).conflated;
    memory_.release(std::exchange(older->message, message));
    older->use = &use;
    return;
  }
  queue.push_back(*latest_.take({.message = message, .topic = topic, .use = &use}));
  if (queue.size() <= kLatestTopics) return;
  ++counters_of(use).dropped;
  drop_latest(queue, *queue.first());
}

/// False when some still wait.
bool Hub::push_latest(const Outbox& outbox) {
  LatestQueue* queue = latest_of(outbox);
  if (!queue) return true;
  while (Latest* first = queue->first()) {
    if (!push(*first->use, first->message)) return false;
    drop_latest(*queue, *first);
  }
  return true;
}

void Hub::drop_latest(LatestQueue& queue, Latest& latest) {
  queue.remove(latest);
  memory_.release(latest.message);
  latest_.give(&latest);
}

/// What waits to come by a use that ends.
void Hub::drop_latest(const TopicUse& use) {
  LatestQueue* queue = latest_of(*use.outbox);
  if (!queue) return;
  if (!use.topic->is_pattern_) {
    Latest* latest = queue->find(KeyedTextHash{}(use.topic->name_));
    if (latest && latest->use == &use) drop_latest(*queue, *latest);
    return;
  }
  for (Latest *each = queue->first(), *after = nullptr; each; each = after) {
    after = each->after;
    if (each->use == &use) drop_latest(*queue, *each);
  }
}

/// What waits to come by a pattern: a use of its topic gets it with pages that begin at `first`, or
/// what is newer.
void Hub::drop_older(const TopicUse& use, std::uint64_t first) {
  LatestQueue* queue = latest_of(*use.outbox);
  if (!queue || queue->empty()) return;
  Latest* latest = queue->find(KeyedTextHash{}(use.topic->name_));
  if (!latest) return;
  if (latest->message->offset < first) ++counters_of(*latest->use).conflated;
  drop_latest(*queue, *latest);
}

void Hub::drop_all_latest(const Outbox& outbox) {
  LatestQueue* queue = latest_of(outbox);
  if (!queue) return;
  while (Latest* first = queue->first()) drop_latest(*queue, *first);
  latest_queues_.erase(outbox.id().index);
}

}  // namespace peal::hub
