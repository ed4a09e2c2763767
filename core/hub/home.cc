// SPDX-License-Identifier: Apache-2.0
// Who uses what, and publishing.
#include "core/hub/home.h"

#include <algorithm>
#include <utility>

namespace peal::hub {
Home::Home(Memory& memory, Carrier& carrier, const HomeSetup& setup)
    : memory_(memory),
      carrier_(carrier),
      setup_(setup),
      histories_(setup.policies->count()),
      paces_(setup.policies->count()) {}

Home::~Home() = default;

void Home::take(ShardIndex from, const Parcel& parcel) {
  using Kind = Parcel::Kind;
  switch (parcel.kind) {
    case Kind::open:
      open(from, parcel);
      break;
    case Kind::interest:
      audience(parcel).users[from].wants = parcel.wants;
      audience(parcel).users[from].subscribers = parcel.subscribers;
      carrier_.carry(from, {.kind = Kind::answer,
                            .pattern = parcel.pattern,
                            .topic = parcel.topic,
                            .home_topic = parcel.home_topic});
      break;
    case Kind::count:
      audience(parcel).users[from].subscribers = parcel.subscribers;
      break;
    case Kind::close:
      close(from, parcel);
      break;
    case Kind::replay:
      replay(from, parcel);
      break;
    case Kind::publish: {
      HomeTopic* topic = topics_.find(parcel.home_topic);
      PEAL_CHECK(topic);
      publish(*topic, message_of(from, parcel), parcel.sender, parcel.came);
      break;
    }
    case Kind::post: {
      Parcel receipt =
          post(as_text(parcel.name), message_of(from, parcel), parcel.sender, parcel.came);
      receipt.ticket = parcel.ticket;
      carrier_.carry(from, receipt);
      break;
    }
    default:
      PEAL_CHECK(false);
  }
}

Message* Home::message_of(ShardIndex from, const Parcel& parcel) {
  if (from == setup_.self) return parcel.original;
  return memory_.make_stand_in(from, parcel.original, parcel.frame);
}

// ---- Who uses what -----------------------------------------------------------------------------

Home::Audience& Home::audience(const Parcel& parcel) {
  if (parcel.pattern) {
    HomePattern* pattern = patterns_.find(parcel.home_topic);
    PEAL_CHECK(pattern);
    return pattern->audience;
  }
  HomeTopic* topic = topics_.find(parcel.home_topic);
  PEAL_CHECK(topic);
  return topic->audience;
}

void Home::open(ShardIndex from, const Parcel& parcel) {
  const std::string_view name = as_text(parcel.frame);
  const SlotId id = parcel.pattern ? open_pattern(name) : open_topic(name);
  const Parcel answer{.kind = Parcel::Kind::answer,
                      .pattern = parcel.pattern,
                      .topic = parcel.topic,
                      .home_topic = id};
  Audience& users = audience(answer);
  PEAL_CHECK(!users.users[from].uses);
  users.users[from] = {.topic = parcel.topic,
                       .uses = true,
                       .wants = parcel.wants,
                       .subscribers = parcel.subscribers};
  ++users.user_count;
  carrier_.carry(from, answer);
}

SlotId Home::open_topic(std::string_view name) {
  const auto found = topics_by_name_.find(name);
  HomeTopic& topic = found == topics_by_name_.end() ? make_topic(name) : *found->second;
  if (topic.history && topic.history->empty()) topic.history->unlink();  // from bare_
  return topic.id;
}

SlotId Home::open_pattern(std::string_view name) {
  const auto found = patterns_by_name_.find(name);
  if (found != patterns_by_name_.end()) return found->second->id;
  HomePattern& pattern = patterns_.emplace(name, setup_.shards);
  patterns_by_name_.emplace(name, &pattern);
  pattern_trie_.add(name, pattern.id);
  ++pattern_changes_;
  return pattern.id;
}

void Home::close(ShardIndex from, const Parcel& parcel) {
  Audience& users = audience(parcel);
  PEAL_CHECK(users.users[from].uses);
  users.users[from] = {};
  --users.user_count;
  if (!parcel.pattern) {
    end_if_unused(*topics_.find(parcel.home_topic));
    return;
  }
  if (users.user_count > 0) return;
  HomePattern& pattern = *patterns_.find(parcel.home_topic);
  pattern_trie_.remove(pattern.name);
  ++pattern_changes_;
  patterns_by_name_.erase(pattern.name);
  patterns_.erase(pattern.id);
}

Home::HomeTopic& Home::make_topic(std::string_view name) {
  HomeTopic& topic = topics_.emplace(name, setup_.policies->of(name), setup_.shards);
  topics_by_name_.emplace(topic.name, &topic);
  topic.policies = policies_;
  topic.next = retired_ + 1;
  if (topic.policy->history_size > 0) {
    topic.history = std::make_unique<History>(topic.id, *topic.policy);
    history_bytes_ += kTopicCost;
  }
  if (topic.policy->pace > Duration::zero()) topic.pace = std::make_unique<Pace>(topic.id);
  return topic;
}

void Home::end_if_unused(HomeTopic& topic) {
  if (topic.audience.user_count > 0 || (topic.pace && topic.pace->linked())) return;
  if (!topic.history) {
    end(topic);
  } else if (topic.history->empty() && !topic.history->linked()) {
    bare_.push_back(*topic.history);
    if (history_bytes_ > setup_.history_memory) end(*topics_.find(bare_.pop_front()->topic()));
  }
}

void Home::end(HomeTopic& topic) {
  retired_ = std::max(retired_, topic.next - 1);
  if (topic.history) {
    clear(*topic.history);
    history_bytes_ -= kTopicCost;
  }
  if (topic.pace && topic.pace->newest) memory_.release(topic.pace->newest);
  topics_by_name_.erase(topic.name);
  topics_.erase(topic.id);
}

/// The patterns that match a topic, looked up again only when there are others than before.
const std::vector<SlotId>& Home::matches(HomeTopic& topic) {
  if (topic.matched_at != pattern_changes_) {
    topic.matched_at = pattern_changes_;
    topic.matches.clear();
    pattern_trie_.match(topic.name, topic.matches);
  }
  return topic.matches;
}

// ---- Publishing --------------------------------------------------------------------------------

void Home::count_publication(const TopicPolicy& policy) {
  std::vector<std::uint64_t>& counts = counters_.publications;
  if (policy.number >= counts.size()) counts.resize(policy.number + 1);
  ++counts[policy.number];
}

Parcel Home::post(std::string_view name, Message* message, const Sender& sender, Instant came) {
  const auto found = topics_by_name_.find(name);
  if (found != topics_by_name_.end()) return publish(*found->second, message, sender, came);
  const TopicPolicy& policy = setup_.policies->of(name);
  if (pattern_trie_.empty() && policy.history_size == 0) {
    count_publication(policy);
    memory_.release(message);
    return {.kind = Parcel::Kind::receipt, .offset = ++retired_};  // nobody would notice
  }
  HomeTopic& topic = make_topic(name);
  const Parcel receipt = publish(topic, message, sender, came);
  end_if_unused(topic);
  return receipt;
}

/// Puts a message in order and hands it on; lets go of the caller's reference.
Parcel Home::publish(HomeTopic& topic, Message* message, const Sender& sender, Instant came) {
  keep_up(topic);
  count_publication(*topic.policy);
  message->offset = topic.next++;
  const Parcel receipt{
      .kind = Parcel::Kind::receipt, .subscribers = subscribers(topic), .offset = message->offset};
  if (topic.policy->history_size > 0) keep(topic, message);
  if (!topic.pace || !wait_for_pace(topic, message)) fan_out(topic, message, sender, came);
  memory_.release(message);
  return receipt;
}

std::uint32_t Home::subscribers(HomeTopic& topic) {
  std::uint32_t count = 0;
  const auto add = [&count](const Audience& audience) {
    for (const Audience::User& user : audience.users) count += user.subscribers;
  };
  add(topic.audience);
  for (const SlotId id : matches(topic)) add(patterns_.find(id)->audience);
  return count;
}

void Home::fan_out(HomeTopic& topic, Message* message, const Sender& sender, Instant came) {
  const std::vector<SlotId>& patterns = matches(topic);
  audiences_.assign(1, &topic.audience);
  for (const SlotId id : patterns) audiences_.push_back(&patterns_.find(id)->audience);
  FormSet wanted;
  for (const Audience* audience : audiences_)
    for (const Audience::User& user : audience->users) wanted |= user.wants;
  if (wanted.empty()) return;
  memory_.make_forms(*message, wanted, topic.name);
  Parcel about{.kind = Parcel::Kind::deliver,
               .sender = sender,
               .home_topic = topic.id,
               .name_hash = topic.hash,
               .came = came};
  if (!patterns.empty()) about.serial = ++serial_ * setup_.shards + setup_.self;
  for (ShardIndex shard = 0; shard < setup_.shards; ++shard) deliver(shard, message, about);
}

/// Sends a shard a parcel for its use of the topic, and one for each pattern it uses.
void Home::deliver(ShardIndex shard, Message* message, const Parcel& about) {
  Parcel parcel = about;
  parcel.frame = message->frame;
  parcel.original = message;
  parcel.forms = message->forms;
  parcel.offset = message->offset;
  const auto send = [&](bool more) {
    parcel.more = more;
    if (shard != setup_.self) ++message->references;
    carrier_.carry(shard, parcel);
  };
  bool waits = false;
  for (const Audience* audience : audiences_) {
    const Audience::User& user = audience->users[shard];
    if (user.wants.empty()) continue;
    if (waits) send(true);
    waits = true;
    parcel.topic = user.topic;
    parcel.pattern = audience != audiences_.front();
  }
  if (waits) send(false);
}

/// True when the message has to wait, and the one that waited before it is given up. Who sent it
/// gets it like everybody else then.
bool Home::wait_for_pace(HomeTopic& topic, Message* message) {
  Pace& pace = *topic.pace;
  const Instant now = *setup_.now;
  if (!pace.linked()) {
    pace.next = now + topic.policy->pace;
    paces_like(topic).push_back(pace);
    return false;
  }
  if (pace.newest) {
    ++counters_.conflated;
    memory_.release(pace.newest);
  }
  ++message->references;
  pace.newest = message;
  return true;
}

}  // namespace peal::hub
