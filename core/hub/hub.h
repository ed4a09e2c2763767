// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/base/slab.h"
#include "core/hub/due_list.h"
#include "core/hub/memory.h"
#include "core/hub/mesh.h"
#include "core/hub/outbox.h"

namespace peal::hub {

class Topic;

/// One connection's use of one topic: as a subscriber, or only to publish.
/// Owner: the Hub; the connection keeps the head of its list and hands it back to leave().
struct TopicUse {
  Topic* topic = nullptr;
  Outbox* outbox = nullptr;
  const OutboxPolicy* policy = nullptr;
  TopicUse* next = nullptr;    ///< the connection's next use
  std::uint32_t position = 0;  ///< in the topic's list of subscribers
  bool subscribes = false;
  bool ready = false;  ///< the topic's home has answered
};

/// What a shard knows of a topic that is used by a connection of it.
/// Owner: the Hub. Thread: the shard's.
class Topic {
 public:
  Topic(SlotId id, std::string_view name, ShardIndex home) : id_(id), name_(name), home_(home) {}

  const std::string& name() const { return name_; }
  std::size_t subscribers() const { return subscribers_.size(); }
  Wants wants() const { return {.plain = plain_ > 0, .compressed = compressed_ > 0}; }

 private:
  friend class Hub;

  bool ready_for(const TopicUse& use) const {
    return opened_ && (!use.subscribes || unanswered_ == 0);
  }

  SlotId id_;
  std::string name_;
  ShardIndex home_;
  bool opened_ = false;           // home_topic_ is known
  Wants told_;                    // what the home was last told to send
  std::uint32_t unanswered_ = 0;  // questions that the home has not answered yet
  SlotId home_topic_;
  std::size_t uses_ = 0;
  std::vector<TopicUse*> subscribers_;
  std::size_t plain_ = 0;       // subscribers that need the plain form of some messages at least
  std::size_t compressed_ = 0;  // subscribers that take the shared form of some
  std::vector<TopicUse*> waiting_;  // for the home's answer
};

/// Told when a topic use that was not ready at once has become so.
class TopicWaiter {
 public:
  /// Must not leave() a topic from within.
  virtual void on_topic_ready(TopicUse& use) = 0;

 protected:
  ~TopicWaiter() = default;
};

/// One shard's part of the publish-subscribe hub.
///
/// Every topic has a home: the shard that its name hashes to. Messages go to the home, which sends
/// them on to each shard with subscribers, so all subscribers see one order. A use is ready when
/// the home has taken note of it: what is published after that reaches the subscriber.
///
/// The home compresses a message once for all subscribers, on whatever shard, that share that form
/// (ws::DeflateAgreement), and hands each shard the forms it needs. For the others, `encode` marks
/// what Outbox::encode_front() is to compress.
///
/// A message stays where it was made; other shards read it through stand-ins and say when they no
/// longer do. So counts are plain integers, each changed by one thread.
///
/// Owner: a Shard. Thread: the shard's.
class Hub final : private OriginalKeeper {
 public:
  /// Every outbox that a message is put into, or fails to be, is due for a delivery then.
  Hub(Memory& memory, Mesh& mesh, ShardIndex self, TopicWaiter& waiter, DueList& due);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Adds a use to the list `uses`; check TopicUse::ready. Both `outbox` and `policy` must outlive
  /// it.
  TopicUse& subscribe(TopicUse*& uses, std::string_view topic, Outbox& outbox,
                      const OutboxPolicy& policy);
  /// Adds a use that only publishes; `outbox` is its owner's.
  TopicUse& open(TopicUse*& uses, std::string_view topic, Outbox& outbox);
  /// Ends all uses of a list.
  void leave(TopicUse*& uses);

  /// Hands `message` to the topic's home and lets go of the caller's reference. `sender`, where
  /// given, does not get it. Requires: `use` is ready.
  void publish(const TopicUse& use, Message* message, const Sender& sender = {});

  /// Whether publishers should wait until flush() has found room again.
  bool congested() const { return port_.congested(); }

  /// Works off what other shards have sent.
  void take_mail();
  bool has_mail() const { return port_.has_mail(); }
  /// At the end of a turn: hands over, and calls `wake(shard)` for whom it concerns.
  template <class Wake>
  void flush(Wake&& wake) {
    port_.flush(wake);
  }

  ShardIndex self() const { return port_.self(); }
  std::size_t topics() const { return topics_.size(); }

 private:
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, KeyedTextHash, std::equal_to<>>;

  /// A topic at its home: which shards use it, and which of them want its messages.
  struct HomeTopic {
    struct User {
      SlotId topic;  // the user's
      bool uses = false;
      Wants wants;
    };

    HomeTopic(SlotId slot, std::string_view topic, ShardIndex shards)
        : id(slot), name(topic), users(shards) {}

    SlotId id;
    std::string name;
    std::vector<User> users;  // by shard
    std::size_t user_count = 0;
  };

  /// A message in the forms at hand; either may be missing.
  struct Forms {
    Message* plain = nullptr;
    Message* compressed = nullptr;
  };

  void release_original(ShardIndex home, Message* original) override;

  TopicUse& add_use(TopicUse*& uses, std::string_view name, const TopicUse& kind);
  void open_topic(Topic& topic);
  void remove_use(TopicUse* use);
  void reconcile(Topic& topic);
  void ask(Topic& topic, const Parcel& question);
  void hand_over(ShardIndex to, const Parcel& parcel);
  void answered(SlotId topic, SlotId home_topic);

  SlotId home_open(std::string_view name, ShardIndex user, SlotId topic, Wants wants);
  void home_interest(SlotId home_topic, ShardIndex user, Wants wants);
  void home_close(SlotId home_topic, ShardIndex user);
  void home_publish(SlotId home_topic, Message* message, const Sender& sender);
  void post(ShardIndex to, SlotId topic, const Forms& forms, const Sender& sender);
  void deliver(SlotId topic, const Forms& forms, const Sender& sender);
  void take_delivery(ShardIndex from, const Parcel& parcel);
  void take_parcel(ShardIndex from, const Parcel& parcel);
  void answer(ShardIndex to, SlotId topic, SlotId home_topic);

  ShardIndex home_of(std::string_view name) const;

  Memory& memory_;
  MeshPort port_;
  TopicWaiter& waiter_;
  Slab<Topic> topics_;
  ByName<Topic*> topics_by_name_;
  Slab<HomeTopic> home_topics_;
  ByName<HomeTopic*> home_topics_by_name_;
  ObjectPool<TopicUse> uses_;
  DueList& due_;
};

}  // namespace peal::hub
