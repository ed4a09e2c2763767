// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/base/histogram.h"
#include "core/base/ring.h"
#include "core/base/slab.h"
#include "core/hub/due_list.h"
#include "core/hub/home.h"
#include "core/hub/latest_queue.h"
#include "core/hub/memory.h"
#include "core/hub/mesh.h"
#include "core/hub/outbox.h"

namespace peal::hub {

class Topic;

/// One connection's use of one topic, or of all that a pattern matches: as a subscriber, or only to
/// publish.
/// Owner: the Hub; the connection keeps the head of its list and hands it back to leave().
struct TopicUse {
  Topic* topic = nullptr;
  Outbox* outbox = nullptr;
  const OutboxPolicy* policy = nullptr;
  TopicUse* next = nullptr;  ///< the connection's next use
  SlotId asking;             ///< with `asks`: the question to the home
  /// Of the newest message it was sent, or where in the order it began; 0 before that is known, and
  /// for patterns always.
  std::uint64_t offset = 0;
  std::uint32_t position = 0;  ///< in the topic's list of subscribers
  bool subscribes = false;
  bool ready = false;    ///< the topic's home has answered
  bool live = false;     ///< gets what is published; before, it is sent what it has missed
  bool gap = false;      ///< what it asked for was no longer kept, in part at least
  bool asks = false;     ///< `asking` is under way
  bool resumes = false;  ///< began where it says, Replay::From::since
  /// With `live`: the number of the first delivery that may be for it. Enough for nine years of a
  /// million a second.
  std::uint64_t since : 48 = 0;
};
static_assert(sizeof(TopicUse) <= 64);

/// What a shard knows of a topic, or a pattern of topics, that is used by a connection of it.
/// Owner: the Hub. Thread: the shard's.
class Topic {
 public:
  Topic(SlotId id, std::string_view name, bool is_pattern)
      : id_(id), name_(name), is_pattern_(is_pattern) {}

  const std::string& name() const { return name_; }
  bool is_pattern() const { return is_pattern_; }
  std::size_t subscribers() const { return subscribers_.size(); }

 private:
  friend class Hub;

  /// Where it is at home: a topic on one shard, a pattern on all.
  struct HomeLink {
    explicit HomeLink(ShardIndex index) : shard(index) {}

    ShardIndex shard;
    bool opened = false;
    SlotId id;
  };

  bool opened() const { return unopened_ == 0; }
  bool ready_for(const TopicUse& use) const {
    return opened() && (!use.subscribes || unanswered_ == 0);
  }
  FormSet wants() const;

  SlotId id_;
  std::string name_;
  bool is_pattern_;
  bool count_changed_ = false;    // since the homes were told
  FormSet told_;                  // what the homes were last told to send
  std::uint32_t unopened_ = 0;    // homes that have not answered to `open`
  std::uint32_t unanswered_ = 0;  // questions that have not been answered yet
  std::vector<HomeLink> homes_;
  std::size_t uses_ = 0;
  std::vector<TopicUse*> subscribers_;
  std::array<std::uint32_t, kForms> wanting_{};  // subscribers that need some messages in that form
  std::vector<std::pair<TopicUse*, Replay>> waiting_;  // for the home's answer
};

/// Told of what was not known at once. Must not leave() a topic from within.
class HubClient {
 public:
  /// A use has become ready. What it asked to be sent of the past goes into its outbox after this.
  virtual void on_topic_ready(TopicUse& use) = 0;
  /// Messages were lost between those that a use is being sent of the past and those that follow:
  /// it took them more slowly than the history went on. TopicUse::offset is the last one before
  /// those.
  virtual void on_gap(TopicUse& use) = 0;
  /// A message is about to go into an outbox with Outbox::own_ids(); its use has the message's
  /// offset already.
  virtual void on_event(TopicUse& use) = 0;
  /// What came of a post().
  virtual void on_posted(Ticket ticket, MessageId id, std::uint32_t subscribers) = 0;

 protected:
  ~HubClient() = default;
};

/// What has become of messages for subscribers.
struct HubCounters {
  std::uint64_t delivered = 0;  ///< messages put into an outbox
  std::uint64_t dropped = 0;    ///< refused by an outbox that was full, and left out
  std::uint64_t lost = 0;       ///< refused by the outbox of a client that is closed for that
  std::uint64_t conflated = 0;  ///< replaced by a newer one under SlowClient::latest

  HubCounters& operator+=(const HubCounters& more);
};

/// One shard's part of the publish-subscribe hub.
///
/// Every topic has a home: the shard that its name hashes to (Home). Messages go there, and from
/// there to each shard with subscribers, so all of them see one order. A pattern is known to all
/// homes. A use is ready when the home has taken note of it: what is published after that reaches
/// the subscriber, after what it asked for of the past (Replay), without a gap and without a
/// repetition.
///
/// The past comes in pages: the next one is asked for when the outbox has room again, and with the
/// one that reaches the newest message the use is live.
///
/// The home makes each form of a message once for all subscribers, on whatever shard. For those who
/// do not share the compressed one (ws::DeflateAgreement) Outbox::encode_front() compresses.
///
/// A message stays where it was made; other shards read it through stand-ins and say when they no
/// longer do. So counts are plain integers, each changed by one thread.
///
/// Owner: a Shard. Thread: the shard's.
class Hub final : private OriginalKeeper, private Carrier {
 public:
  struct Setup {
    Memory* memory = nullptr;
    Mesh* mesh = nullptr;
    ShardIndex self = 0;
    HubClient* client = nullptr;
    DueList* due = nullptr;  ///< of every outbox that a message is put into, or fails to be
    const TopicPolicies* policies = nullptr;
    const Instant* now = nullptr;    ///< read once a turn, by its owner
    std::size_t history_memory = 0;  ///< bytes, of this shard
    /// To more subscribers a message is delivered in parts, by go_on_delivering().
    std::size_t pushes_at_once = 256;
  };

  explicit Hub(const Setup& setup);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Adds a use to the list `uses`; check TopicUse::ready. Both `outbox` and `policy` must outlive
  /// it, and the outbox keep its encoding and agreement.
  TopicUse& subscribe(TopicUse*& uses, std::string_view topic, Outbox& outbox,
                      const OutboxPolicy& policy, const Replay& replay = {});
  /// The same for all topics that a pattern matches ("*": one segment, "**" at the end: any
  /// number). It has no past. A message that reaches an outbox by several uses goes into it once.
  TopicUse& subscribe_pattern(TopicUse*& uses, std::string_view pattern, Outbox& outbox,
                              const OutboxPolicy& policy);
  /// Adds a use that only publishes; `outbox` is its owner's.
  TopicUse& open(TopicUse*& uses, std::string_view topic, Outbox& outbox);
  /// Ends all uses of a list, or one of them.
  void leave(TopicUse*& uses);
  void leave(TopicUse*& uses, TopicUse& use);

  /// Hands `message` to the topic's home and lets go of the caller's reference. `sender`, where
  /// given, does not get it. Requires: `use` is ready, and of a topic.
  void publish(const TopicUse& use, Message* message, const Sender& sender = {});
  /// The same for a topic that need not be in use. HubClient::on_posted() follows, perhaps before
  /// this returns.
  void post(std::string_view topic, Message* message, Ticket ticket, const Sender& sender = {});

  /// An outbox that wants room (Outbox::wants_room()) has some: goes on with what waits for it.
  void on_room(TopicUse* uses);

  /// Whether publishers should wait until flush() and go_on_delivering() have made room again.
  bool congested() const { return port_.congested() || unfinished_.size() >= kMostUnfinished; }
  /// Whether there is work left that no mail brings about.
  bool works() const { return works_ || home_.owes_room() || delivers(); }

  /// Works off what other shards have sent, a turn's share of it, and tells homes who has come and
  /// gone. To be called before anything of the turn is sent.
  void take_mail();
  bool has_mail() const { return port_.has_mail() || !own_questions_.empty(); }
  /// Whether messages wait for go_on_delivering().
  bool delivers() const { return !unfinished_.empty(); }
  /// Delivers what has more subscribers here than are served at once, and what came after it, to
  /// `pushes` of them. To be called once a turn, when what was asked for is on its way.
  void go_on_delivering(std::size_t pushes);
  /// At the end of a turn: hands over, and calls `wake(shard)` for whom it concerns.
  template <class Wake>
  void flush(Wake&& wake) {
    port_.flush(wake);
    if (fanout_.under_way) watch_fanout();
  }

  /// When on_due() is to be called, see Home.
  std::optional<Instant> next_due() { return home_.next_due(); }
  void on_due() { home_.on_due(); }
  /// Other policies than before, and another share of memory. Those before must live until
  /// follows_policies() is false.
  void set_policies(const TopicPolicies& policies, std::size_t history_memory) {
    home_.set_policies(policies);
    home_.set_history_memory(history_memory);
  }
  bool follows_policies() const { return home_.follows_policies(); }
  /// At the end, when no shard's thread runs any more: hands on what is under way, and gives up
  /// some of what is kept. To be called for all hubs in turn until they are settled().
  void settle();
  /// Nothing is on its way from here or waits to be taken, and nothing is kept.
  bool settled() const;

  ShardIndex self() const { return port_.self(); }
  std::size_t topics() const { return topics_.size(); }
  const Home& home() const { return home_; }
  /// Of all routes together.
  HubCounters counters() const;
  /// By OutboxPolicy::number, as far as there are any.
  const std::vector<HubCounters>& counters_by_route() const { return counters_; }
  /// Uses that subscribe, of topics and of patterns.
  std::size_t subscriptions() const { return subscriptions_; }
  /// From when a message came to its publisher's shard until the last of its subscribers on this
  /// one was sent it, or had it queued behind what was sent before. Some messages are watched, at
  /// most one in kFanoutPause.
  const DurationHistogram& fanout_times() const { return fanout_.times; }

 private:
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, KeyedTextHash, std::equal_to<>>;

  struct Asking {
    Asking(SlotId slot, TopicUse* its_use) : id(slot), use(its_use) {}
    SlotId id;
    TopicUse* use;
  };

  /// The message whose way to its subscribers is watched.
  struct Fanout {
    DurationHistogram times;
    bool under_way = false;
    Instant came{};           // to its publisher's shard
    std::uint64_t place = 0;  // DueList::end() behind its last subscriber
    Instant next{};           // earliest time of the next one
  };

  /// A message that not all have got yet, or a page that waits for those before it.
  struct Unfinished {
    Message* message = nullptr;  ///< a reference; null with a page
    ShardIndex from = 0;         ///< of a page
    Parcel about;
    std::uint64_t number = 0;  ///< of the delivery, or of the next one
    std::size_t next = 0;      ///< in the topic's list of subscribers: those before have got it
  };

  /// A message for some of a topic's subscribers.
  struct Part {
    Message* message;
    const Parcel& about;
    std::uint64_t number;  ///< of the delivery
    std::size_t begin, end;
  };

  static constexpr Duration kFanoutPause = std::chrono::milliseconds(1);
  static constexpr std::size_t kMostUnfinished = 256;

  void carry(ShardIndex to, const Parcel& parcel) override;
  void release_original(ShardIndex home, Message* original) override;

  TopicUse& add_use(TopicUse*& uses, std::string_view name, Outbox& outbox,
                    const OutboxPolicy* policy, const Replay& replay, bool is_pattern);
  void count_in(Topic& topic, TopicUse& use);
  void count_out(Topic& topic, const TopicUse& use);
  void open_topic(Topic& topic);
  void remove_use(TopicUse* use);
  bool reconcile(Topic& topic);
  bool close_topic(Topic& topic);
  void close_late();
  void tell_homes(Topic& topic, const Parcel& parcel);
  void note_count(Topic& topic);
  void tell_counts();
  void on_answer(ShardIndex from, const Parcel& answer);
  void make_ready(Topic& topic);

  void ask(TopicUse& use, const Replay& replay);
  void take_page(ShardIndex from, const Parcel& parcel);
  void bring_page(ShardIndex from, const Parcel& parcel, std::uint64_t number);
  void release_page(ShardIndex from, const Page& page);
  void push_page(ShardIndex from, TopicUse& use, const Page& page);

  bool has_room() const;
  void take_mail_of(std::size_t number);
  void take_parcel(ShardIndex from, const Parcel& parcel);
  void take_publications(ShardIndex from);
  void take_delivery(ShardIndex from, const Parcel& parcel);
  void deliver_from(ShardIndex from, const Parcel& parcel);
  void deliver(Topic& topic, Message* message, const Parcel& about);
  void deliver_part(const Topic& topic, const Part& part);
  void go_live(TopicUse& use, std::uint64_t number);
  bool is_served(const Topic& topic, const TopicUse& use);
  static void fetch_ahead(const std::vector<TopicUse*>& uses, std::size_t at);
  static bool is_for(const TopicUse& use, std::uint64_t number);
  static bool comes_by_page(const TopicUse& use, const Message& message);
  bool push(TopicUse& use, Message* message);
  HubCounters& counters_of(const TopicUse& use) { return counters_[use.policy->number]; }
  void begin_fanout(Instant came);
  void watch_fanout();
  LatestQueue* latest_of(const Outbox& outbox);
  bool is_behind(const TopicUse& use);
  void set_latest(TopicUse& use, std::uint64_t topic, Message* message);
  bool push_latest(const Outbox& outbox);
  void drop_latest(LatestQueue& queue, Latest& latest);
  void drop_latest(const TopicUse& use);
  void drop_older(const TopicUse& use, std::uint64_t first);
  void drop_all_latest(const Outbox& outbox);

  ShardIndex home_of(std::string_view name) const;

  Memory& memory_;
  MeshPort port_;
  std::vector<std::vector<Parcel>> held_;  // by home: deliveries whose publication is not complete
  Ring<Unfinished> unfinished_;            // in the order in which they came
  std::uint64_t deliveries_ = 0;           // that have begun or wait
  const std::size_t pushes_at_once_;
  HubClient& client_;
  DueList& due_;
  Home home_;
  Slab<Topic> topics_;
  ByName<Topic*> topics_by_name_;
  ByName<Topic*> patterns_by_name_;
  ObjectPool<TopicUse> uses_;
  ObjectPool<Latest> latest_;
  std::unordered_map<std::uint32_t, LatestQueue> latest_queues_;  // by the outbox's slot
  Slab<Asking> asking_;
  Ring<Parcel> own_questions_;         // to this shard's own home, answered with the next mail
  std::vector<SlotId> count_changes_;  // topics
  std::vector<SlotId> late_closes_;    // topics that what was published to is still to leave for
  bool works_ = false;
  std::size_t pushes_ = 0;     // of this turn's mail
  std::size_t next_lane_ = 0;  // which is emptied first
  const Instant& now_;
  std::vector<HubCounters> counters_;  // by route
  std::size_t subscriptions_ = 0;
  Fanout fanout_;
};

}  // namespace peal::hub
