// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "core/base/intrusive_list.h"
#include "core/base/slab.h"
#include "core/hub/memory.h"
#include "core/ws/permessage_deflate.h"

namespace peal::hub {

enum class SlowClient : std::uint8_t {
  disconnect,
  drop,    ///< that message, for that client
  latest,  ///< of each topic, the newest message is kept until there is room again
};

/// How a client gets messages.
enum class Encoding : std::uint8_t {
  frames,       ///< a WebSocket: Form::frame or Form::deflated
  json_frames,  ///< a WebSocket with the sub-protocol peal.v1: Form::json or Form::json_deflated
  events,       ///< Form::event
  json_events,  ///< Form::json_event
  json_items,   ///< Form::json_item
};

/// What a route lays down for the outboxes of its connections.
struct OutboxPolicy {
  std::uint32_t number = 0;            ///< of the route, for HubCounters
  std::uint32_t queue_size = 1 << 20;  ///< bytes waiting; a message above that meets slow_client
  SlowClient slow_client = SlowClient::disconnect;
};

/// What one client is still to be sent, in order. Holds nothing while it is empty.
///
/// Owner: a Connection (a base of it). Thread: the shard's.
/// Limits: OutboxPolicy::queue_size, compared with cost(), for messages; answers and control frames
/// always go in, their number is bounded by what the client is allowed to ask for.
class Outbox : public ListHook<Outbox> {
 public:
  /// A segment and the smallest block.
  static constexpr std::size_t kSegmentCost = sizeof(Segment) + BlockPool::kMinBlock;

  explicit Outbox(SlotId id) : id_(id) {}

  SlotId id() const { return id_; }
  /// What the client agreed to. Requires: set before its first subscription.
  const ws::DeflateAgreement& deflate() const { return deflate_; }
  void set_deflate(const ws::DeflateAgreement& agreement) { deflate_ = agreement; }
  Encoding encoding() const { return encoding_; }
  void set_encoding(Encoding encoding) { encoding_ = encoding; }
  /// Whether events go in without their ids, as the owner writes others (HubClient::on_event()).
  bool own_ids() const { return own_ids_; }
  void set_own_ids() { own_ids_ = true; }
  /// The forms of messages that may be pushed.
  FormSet wants() const;
  bool empty() const { return first_ == nullptr; }
  std::size_t bytes() const { return bytes_; }
  /// Bytes with what it takes to keep them: many small ones must not cost more than they count.
  std::size_t cost() const { return bytes_ + segments_ * kSegmentCost; }
  const Segment* first() const { return first_; }
  /// Has the memory fetched that a push writes to, but for the outbox itself.
  void fetch_end() const { __builtin_prefetch(last_, 1); }

  /// Whether a message was refused under SlowClient::disconnect; none goes in any more.
  bool overflowed() const { return door_ == Door::overflowed; }
  /// No message goes in from now on: what follows is a close frame.
  void shut() { door_ = Door::shut; }
  bool is_shut() const { return door_ == Door::shut; }
  bool is_open() const { return door_ == Door::open; }
  std::uint32_t dropped() const { return dropped_; }
  /// Messages that went in, published ones and those of count_messages().
  std::uint32_t messages() const { return messages_; }
  /// Messages went in that were not published.
  void count_messages(std::uint32_t messages) { messages_ += messages; }
  /// Whether a message went in since take_fresh() was last asked.
  bool fresh() const { return fresh_; }
  bool take_fresh() { return std::exchange(fresh_, false); }
  /// Forgets all that belongs to uses of topics, so that there may be others: those of one request,
  /// that nobody has heard the answer to before set_opened(). Requires: there are none now.
  void renew();
  /// All of those are ready. Before that nothing comes by a pattern, as it may be in a page of a
  /// topic, too.
  void set_opened() { opening_ = false; }
  bool opening() const { return opening_; }

  /// Whether a published message may go in; what becomes of it else is up to the policy.
  bool admits(const Message& message, const OutboxPolicy& policy);
  /// A published message, in the form that is right for the client. False when it did not go in.
  bool push_message(Memory& memory, Message* message, const OutboxPolicy& policy);
  /// The same without a limit: what was admitted, or what the client has asked for.
  bool push_admitted(Memory& memory, Message* message);

  /// Bytes of the messages that wait, of which nothing has been sent.
  std::size_t message_bytes() const;
  /// Makes those, which are json_items, the elements of an array in an answer: puts a block, which
  /// it takes over, in front of them, and takes the first comma off. Requires: none is pinned.
  void begin_array(Memory& memory, Block* block, MutableBytes bytes);

  /// Whether something waits to be pushed when there is room again.
  bool wants_room() const { return wants_room_; }
  void set_wants_room(bool wants) { wants_room_ = wants; }
  /// Whether a use of a topic is among what waits, for a page of the past that it has to ask for.
  bool wants_page() const { return wants_page_; }
  void set_wants_page(bool wants) { wants_page_ = wants; }
  /// Whether it ever had a use of a pattern.
  bool had_patterns() const { return had_patterns_; }
  void note_pattern() { had_patterns_ = true; }
  /// Takes note of a publication that comes by several topics; false when it came before. `serial`
  /// is not 0.
  bool first_of(std::uint64_t serial) { return std::exchange(serial_, serial) != serial; }

  /// Bytes in a block, which it takes over. With `encode` they are a data frame that encode_front()
  /// has to see first.
  void push_block(Memory& memory, Block* block, MutableBytes bytes, bool encode = false);

  /// Bytes in a receive buffer, which it shares with whoever holds it already. They are moved up to
  /// the bytes before them when those are the last to be sent and lie in the same buffer, so that a
  /// buffer full of small frames leaves in one piece.
  void push_buffer(Memory& memory, std::uint16_t buffer, MutableBytes bytes);

  /// Calls `compress(frame)` for each frame that waits for it among the first `bytes` to be sent,
  /// the first one in any case, and puts what that returns, a ws::Compressor::Frame, in its place
  /// unless it has no block. As late as this, because messages may be dropped until then, but not
  /// from a compressor's context. Segment::encode says which wait still. Requires: nothing is
  /// pinned.
  template <class Compress>
  void encode_front(Memory& memory, std::size_t bytes, Compress&& compress) {
    PEAL_DCHECK(!pinned());
    if (!encodes_) return;
    for (Segment* next = first_; next; next = next->next) {
      const std::size_t size = next->size;  // before it is compressed: that is the work
      if (next->encode) encode(memory, *next, compress(Bytes{next->data, next->size}));
      if (size >= bytes) return;
      bytes -= size;
    }
    encodes_ = false;
  }

  /// Marks the first `segments`, those of a send under way: they stay as they are.
  void pin(std::size_t segments);
  bool pinned() const { return last_pinned_ != nullptr; }

  /// Takes `bytes` that were sent off the front, and the pins off the rest.
  void sent(Memory& memory, std::size_t bytes);

  /// Replaces the first `segments` by one block with the same bytes. Requires: nothing is pinned.
  void merge(Memory& memory, std::size_t segments, std::size_t bytes);

  /// Gives up the messages that wait, but for one of which a part is sent already. Answers stay.
  void drop_messages(Memory& memory);
  /// Gives up all. Requires: no send is under way.
  void clear(Memory& memory);

 private:
  friend class DueList;
  enum class Door : std::uint8_t { open, overflowed, shut };

  struct View {
    Bytes bytes;
    bool encode = false;
  };

  View view(const Message& message) const;
  Bytes event_view(Bytes event) const;
  View frame_view(const Message& message, Form plain, Form deflated) const;
  void push_view(Memory& memory, Message* message, const View& view);
  void push(Memory& memory, Segment* segment);
  void count_bytes(Memory& memory, std::int64_t more);
  void pop_first(Memory& memory);
  void encode(Memory& memory, Segment& segment, const ws::Compressor::Frame& frame);

  Segment* first_ = nullptr;
  Segment* last_ = nullptr;
  Segment* last_pinned_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint32_t segments_ = 0;
  SlotId id_;
  std::uint32_t messages_ = 0;
  std::uint64_t serial_ = 0;
  std::uint32_t dropped_ = 0;
  ws::DeflateAgreement deflate_;
  Encoding encoding_ = Encoding::frames;
  bool wants_room_ = false;
  bool wants_page_ = false;
  bool own_ids_ : 1 = false;
  bool had_patterns_ : 1 = false;
  bool opening_ : 1 = false;
  Door door_ = Door::open;
  bool fresh_ = false;
  bool encodes_ = false;  // some segment may wait for it
  bool answers_ = false;  // DueList's: in which queue it is linked
};

}  // namespace peal::hub
