// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/base/slab.h"
#include "core/base/time.h"
#include "core/hub/history.h"
#include "core/hub/memory.h"
#include "core/hub/mesh.h"
#include "core/hub/pattern_trie.h"
#include "core/hub/topic_policy.h"

namespace peal::hub {

/// What topics have at their home is sent to shards by this one way, that shard itself included.
class Carrier {
 public:
  virtual void carry(ShardIndex to, const Parcel& parcel) = 0;

 protected:
  ~Carrier() = default;
};

/// What a Home has to go by.
struct HomeSetup {
  ShardIndex self = 0;
  ShardIndex shards = 1;
  const TopicPolicies* policies = nullptr;  ///< outlives it
  const Instant* now = nullptr;             ///< read once a turn, by its owner
  std::size_t history_memory = 0;           ///< bytes, of this shard's histories together
};

/// What has become of topics, for those who watch.
struct HomeCounters {
  std::vector<std::uint64_t> publications;  ///< by TopicPolicy::number, as far as there are any
  std::uint64_t conflated =
      0;                      ///< messages that a newer one took the place of, by TopicPolicy::pace
  std::uint64_t evicted = 0;  ///< histories that messages went from because there was no memory
};

/// The topics that a shard is the home of: it puts their messages in order, keeps their histories
/// and knows which shards want them.
///
/// A topic is here for as long as anybody uses it, and if its class keeps a history until the
/// memory is needed. Offsets never come again for other messages: a topic that begins anew begins
/// after the last offset of any that has ended.
///
/// Owner: a Hub. Thread: the shard's. Errors: none.
/// Limits: HomeSetup::history_memory; the histories that were published to least recently give way,
/// message by message. They do so in shares, so that no publication has to wait for thousands: what
/// is above the limit then goes in the turns that follow.
class Home {
 public:
  Home(Memory& memory, Carrier& carrier, const HomeSetup& setup);
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home();

  /// Works off a parcel for a home, from whichever shard.
  void take(ShardIndex from, const Parcel& parcel);
  /// `post` of this shard's own; lets go of the caller's reference. Returns the receipt.
  Parcel post(std::string_view name, Message* message, const Sender& sender, Instant came);

  /// When on_due() is to be called; nullopt: not before something else happens.
  std::optional<Instant> next_due();
  void on_due();

  /// Lays down anew what topics are. Those that there are follow when they are published to, or as
  /// work() comes to them.
  void set_policies(const TopicPolicies& policies);
  /// A turn's share of that. True: the next turn is to go on with it.
  bool work();
  /// Whether histories take more than they may, and the next turn is to see to it.
  bool owes_room() const { return owes_room_ || !surplus_.empty() || !dropped_.empty(); }
  /// Whether anything refers to earlier policies still.
  bool follows_policies() const { return earlier_lists_ > 0; }
  void set_history_memory(std::size_t bytes) { setup_.history_memory = bytes; }

  /// Whether messages are kept here, as history or for their pace.
  bool keeps() const;
  /// Gives up what is kept, `most` messages of histories at a time.
  void give_up(std::size_t most);

  std::size_t topics() const { return topics_.size(); }
  std::size_t history_bytes() const { return history_bytes_; }
  const HomeCounters& counters() const { return counters_; }

 private:
  /// Which shards use a topic or a pattern, and how.
  struct Audience {
    struct User {
      SlotId topic;  // the user's
      bool uses = false;
      FormSet wants;
      std::uint32_t subscribers = 0;
    };

    explicit Audience(ShardIndex shards) : users(shards) {}

    std::vector<User> users;  // by shard
    std::size_t user_count = 0;
  };

  /// A topic that is not to be heard more often than its class allows.
  struct Pace : ListHook<Pace> {
    explicit Pace(SlotId its_topic) : topic(its_topic) {}

    SlotId topic;
    Instant next{};             // earliest time of the next message
    Message* newest = nullptr;  // waits for it
  };

  struct HomeTopic {
    HomeTopic(SlotId slot, std::string_view text, const TopicPolicy& its_policy, ShardIndex shards)
        : id(slot),
          name(text),
          hash(KeyedTextHash{}(text)),
          policy(&its_policy),
          audience(shards) {}

    SlotId id;
    std::string name;
    std::uint64_t hash;  // of the name
    const TopicPolicy* policy;
    std::uint32_t policies = 0;  // Home::policies_ when `policy` was looked up
    Audience audience;
    std::uint64_t next = 1;  // offset
    std::unique_ptr<History> history;
    std::unique_ptr<Pace> pace;
    std::uint64_t matched_at = 0;  // pattern_changes_ when `matches` was true
    std::vector<SlotId> matches;   // patterns
  };

  struct HomePattern {
    HomePattern(SlotId slot, std::string_view text, ShardIndex shards)
        : id(slot), name(text), audience(shards) {}

    SlotId id;
    std::string name;
    Audience audience;
  };

  template <class Value>
  using ByName = std::unordered_map<std::string, Value, KeyedTextHash, std::equal_to<>>;

  Message* message_of(ShardIndex from, const Parcel& parcel);
  Audience& audience(const Parcel& parcel);
  SlotId open_topic(std::string_view name);
  SlotId open_pattern(std::string_view name);
  void open(ShardIndex from, const Parcel& parcel);
  void close(ShardIndex from, const Parcel& parcel);
  HomeTopic& make_topic(std::string_view name);
  void end_if_unused(HomeTopic& topic);
  void end(HomeTopic& topic);
  const std::vector<SlotId>& matches(HomeTopic& topic);

  void count_publication(const TopicPolicy& policy);
  Parcel publish(HomeTopic& topic, Message* message, const Sender& sender, Instant came);
  std::uint32_t subscribers(HomeTopic& topic);
  void fan_out(HomeTopic& topic, Message* message, const Sender& sender, Instant came);
  void deliver(ShardIndex shard, Message* message, const Parcel& about);
  bool wait_for_pace(HomeTopic& topic, Message* message);

  static constexpr std::size_t kTopicCost = 512;  // bytes, of a topic that has a history

  void keep(HomeTopic& topic, Message* message);
  void pop_front(History& history);
  void clear(History& history);
  void drop_history(HomeTopic& topic);
  void trim();
  void make_room(std::size_t steps, std::size_t bytes);
  bool give_way();
  History* oldest();
  void replay(ShardIndex from, const Parcel& question);
  void send_paced();
  bool sweep();

  // home_policies.cc
  bool follow_policies();
  void follow(HomeTopic& topic);
  void follow_history(HomeTopic& topic, const TopicPolicy& policy);
  void follow_pace(HomeTopic& topic, const TopicPolicy& policy);
  History* newest_to_follow();
  IntrusiveList<History>& histories_like(const HomeTopic& topic) {
    return histories_[earlier_lists_ + topic.policy->index];
  }
  IntrusiveList<Pace>& paces_like(const HomeTopic& topic) {
    return paces_[earlier_lists_ + topic.policy->index];
  }
  /// To be called before a topic's policy matters.
  void keep_up(HomeTopic& topic) {
    if (topic.policies != policies_) follow(topic);
  }

  std::uint64_t first_kept(HomeTopic& topic);

  Memory& memory_;
  Carrier& carrier_;
  HomeSetup setup_;
  std::uint32_t policies_ = 0;  // how often they were laid down anew
  Slab<HomeTopic> topics_;
  ByName<HomeTopic*> topics_by_name_;
  Slab<HomePattern> patterns_;
  ByName<HomePattern*> patterns_by_name_;
  PatternTrie pattern_trie_;
  std::uint64_t pattern_changes_ = 1;
  std::uint64_t serial_ = 0;
  std::uint64_t retired_ = 0;               // highest offset of topics that have ended
  std::vector<const Audience*> audiences_;  // of the message that is fanned out
  // By class, longest not published to first; before them, those of earlier policies.
  std::deque<IntrusiveList<History>> histories_;
  IntrusiveList<History> bare_;            // nothing in them, and nobody uses the topic
  std::deque<IntrusiveList<Pace>> paces_;  // the same, next due first
  std::size_t earlier_lists_ = 0;          // of earlier policies
  std::uint32_t follower_ = 0;             // slot of the next topic to look at
  std::size_t history_bytes_ = 0;
  SlotId latest_;  // the topic whose history has the newest message of all
  bool owes_room_ = false;
  std::vector<SlotId> surplus_;  // topics whose history is longer than it may be by now
  std::vector<std::unique_ptr<History>> dropped_;  // of topics that keep nothing any more
  Instant next_sweep_{};
  HomeCounters counters_;
};

}  // namespace peal::hub
