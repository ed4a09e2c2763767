// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "core/base/slab.h"
#include "core/base/spsc_queue.h"
#include "core/base/time.h"
#include "core/hub/memory.h"

namespace peal::hub {

/// Who sent a message, so that it need not come back; a nobody by default.
struct Sender {
  ShardIndex shard = 0;
  SlotId outbox;  ///< Outbox::id() on that shard
};

/// Whom the result of a publication is for.
struct Ticket {
  SlotId connection;
  std::uint32_t number = 0;  ///< the connection's own

  friend bool operator==(const Ticket&, const Ticket&) = default;
};

/// What of the past a subscriber is to be sent before the messages to come.
struct Replay {
  enum class From : std::uint8_t {
    nothing,  ///< nothing, and it need not know where in the order it begins
    now,      ///< nothing; TopicUse::offset says where it begins
    last,     ///< the newest `value` messages
    since,    ///< all after `value`, the offset of the last one it has
  };
  From from = From::nothing;
  std::uint64_t epoch = 0;  ///< `since`: that offset's
  std::uint64_t value = 0;
};

/// Messages of a topic in their order, on their way to one subscriber on another shard. Each has a
/// reference that is the receiver's. Owner: whoever has it.
struct Page {
  struct Entry {
    Message* message = nullptr;
    Bytes frame;
    Forms* forms = nullptr;
    std::uint64_t offset = 0;
  };
  std::vector<Entry> entries;
};

/// What one shard hands to another. A value; each frame stays put until the original is released.
/// A `pattern` stands for a topic where subscribers, and not messages, are concerned.
struct Parcel {
  enum class Kind : std::uint8_t {
    open,      ///< question: use the topic named in `frame`, as `topic` of the asker's, and send
               ///< me what is published there as `wants` says
    interest,  ///< question: send me what is published in `home_topic` as `wants` says
    answer,    ///< to one question: `topic` is the asker's, `home_topic` the home's
    count,     ///< I have `subscribers` of `home_topic` by now
    close,     ///< I no longer use `home_topic`
    replay,    ///< question: send `asking` a page of `home_topic`, in the form `wants`
    page,     ///< to that question: `page`, which ends at the newest message unless there is `more`
    publish,  ///< a message for `home_topic`, to be put in order there
    post,     ///< a message for the topic called `name`, and a `receipt` for `ticket`
    receipt,  ///< the message of `ticket` has `offset` and went to `subscribers`
    deliver,  ///< a message, published in `home_topic`, for the subscribers of `topic`
    release,  ///< `original` is no longer needed here
  };

  Kind kind = Kind::release;
  FormSet wants = {};
  bool pattern = false;
  bool gap = false;   ///< `page`: messages before it are missing
  bool more = false;  ///< `page`: there are some after it; `deliver`: the next one is of this, too
  std::uint32_t subscribers = 0;
  Sender sender = {};
  SlotId topic = {};
  SlotId home_topic = {};
  SlotId asking = {};
  std::uint32_t room = 0;  ///< `replay`: bytes of queue that the page may take
  Ticket ticket = {};
  Replay replay = {};
  std::uint64_t offset = 0;  ///< of the message; `page`: of the last one before it
  std::uint64_t serial = 0;  ///< `deliver`: names the publication when it comes by several topics
  std::uint64_t name_hash = 0;  ///< `deliver`: of the name of the topic it was published in
  Instant came = {};            ///< the message: to its publisher's shard
  Bytes frame = {};
  Message* original = nullptr;
  Forms* forms = nullptr;  ///< of `original`
  Bytes name = {};
  Message* name_original = nullptr;
  Page* page = nullptr;  ///< the receiver's
};

/// Queues between all shards, each pushed by one and popped by one.
///
/// Owner: the server; outlives the shards. Thread: see ports.
class Mesh {
 public:
  /// Two lanes, so that a shard may leave new work waiting (up) while it goes on taking what others
  /// wait for it to take (down). Only `publish` and `post` go up; nothing that is taken from the
  /// down lane makes up-lane work, so the down lanes always drain and the mesh cannot lock up. A
  /// `close` must not come before what was published to its topic: it is sent when none of that
  /// waits, and who takes it takes the up lane first, full as it may be.
  enum class Lane : std::uint8_t { up, down };

  static constexpr std::size_t kCapacity = 1024;  ///< parcels in a lane from one shard to another

  explicit Mesh(ShardIndex shards);

  ShardIndex shards() const { return shards_; }
  SpscQueue<Parcel>& queue(ShardIndex from, ShardIndex to, Lane lane) {
    return *queues_[(std::size_t{from} * shards_ + to) * 2 + static_cast<std::size_t>(lane)];
  }

 private:
  ShardIndex shards_;
  std::vector<std::unique_ptr<SpscQueue<Parcel>>> queues_;
};

/// One shard's end of the mesh. What does not fit into a queue waits here, in order.
///
/// Owner: a Hub. Thread: the shard's.
/// Limits: none of its own; publishers hold back while congested() says so.
class MeshPort {
 public:
  MeshPort(Mesh& mesh, ShardIndex self);

  ShardIndex self() const { return self_; }
  ShardIndex shards() const { return mesh_.shards(); }

  void send(ShardIndex to, const Parcel& parcel);

  /// Takes the next parcel of a lane from another shard; false when there is none.
  bool take(ShardIndex from, Mesh::Lane lane, Parcel& parcel) {
    return mesh_.queue(from, self_, lane).pop(parcel);
  }
  bool has_mail() const;

  /// Moves what waited into the queues as far as it fits, and calls `wake(shard)` once for each
  /// shard that something was sent to since the last time.
  template <class Wake>
  void flush(Wake&& wake) {
    for (ShardIndex to = 0; to < shards(); ++to)
      if (flush_to(to)) wake(to);
  }

  /// Something waits for room. Cleared by flush().
  bool congested() const { return waits(Mesh::Lane::up) || waits(Mesh::Lane::down); }
  /// The same of one lane. Whoever takes from the up lane makes down-lane work, so may do so only
  /// while none waits; what waits to go up itself is no reason, or two shards that have filled each
  /// other's up lanes would wait for ever.
  bool waits(Mesh::Lane lane) const { return waiting_[static_cast<std::size_t>(lane)] > 0; }
  bool waits(ShardIndex to, Mesh::Lane lane) const {
    return !destinations_[to].waiting[static_cast<std::size_t>(lane)].empty();
  }

 private:
  struct Destination {
    std::deque<Parcel> waiting[2];  // by lane
    bool unannounced = false;       // pushed since the last wake
  };

  static Mesh::Lane lane_of(const Parcel& parcel) {
    const bool up = parcel.kind == Parcel::Kind::publish || parcel.kind == Parcel::Kind::post;
    return up ? Mesh::Lane::up : Mesh::Lane::down;
  }
  bool flush_to(ShardIndex to);

  Mesh& mesh_;
  ShardIndex self_;
  std::vector<Destination> destinations_;
  std::size_t waiting_[2] = {};  // by lane
};

}  // namespace peal::hub
