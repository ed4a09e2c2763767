// SPDX-License-Identifier: Apache-2.0
#include "core/hub/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include "tests/support/rounds.h"

namespace peal::hub::outbox_test {
namespace {

using ws::Opcode;

/// An outbox with its memory; at its end nothing may be left.
struct Rig {
  Rig() : memory(0, buffers, 1 << 20) {}
  ~Rig() {
    outbox.clear(memory);
    CHECK(outbox.empty());
    CHECK(outbox.bytes() == 0);
    CHECK(memory.segments.out() == 0);
    CHECK(memory.messages.out() == 0);
    CHECK(memory.blocks.bytes_out() == 0);
    CHECK(buffers.held_count() == 0);
  }

  /// Returns the frame; empty when it did not go in.
  std::string push_message(std::string_view payload, const OutboxPolicy& policy = {}) {
    Message* message = memory.make_message(Opcode::text, as_bytes(payload));
    const std::string frame(as_text(message->frame));
    const bool went_in = outbox.push_message(memory, message, policy);
    memory.release(message);
    return went_in ? frame : "";
  }

  void push_block(std::string_view text) {
    Block* block = memory.blocks.take(text.size() + 3);
    std::memcpy(block->data() + 3, text.data(), text.size());
    outbox.push_block(memory, block, {block->data() + 3, text.size()});
  }

  /// All that waits, as it would be sent.
  std::string contents() const {
    std::string all;
    for (const Segment* segment = outbox.first(); segment; segment = segment->next)
      all += as_text({segment->data, segment->size});
    return all;
  }

  std::size_t segments() const {
    std::size_t count = 0;
    for (const Segment* segment = outbox.first(); segment; segment = segment->next) ++count;
    return count;
  }

  io::BufferPool buffers;
  Memory memory;
  Outbox outbox{SlotId{1, 1}};
};

TEST_CASE("Outbox: sent bytes go off the front, at every split") {
  const std::string all = "firstsecond" + std::string("\x81\x05third");
  for (std::size_t split = 0; split <= all.size(); ++split) {
    for (std::size_t again = split; again <= all.size(); ++again) {
      Rig rig;
      rig.push_block("first");
      rig.push_block("second");
      rig.push_message("third");
      rig.outbox.pin(3);
      rig.outbox.sent(rig.memory, split);
      CHECK_FALSE(rig.outbox.pinned());
      CHECK(rig.contents() == all.substr(split));
      CHECK(rig.outbox.bytes() == all.size() - split);
      rig.outbox.sent(rig.memory, again - split);
      CHECK(rig.contents() == all.substr(again));
    }
  }
}

TEST_CASE("Outbox: merge() makes one piece of some, with the same bytes") {
  for (std::size_t count = 1; count <= 3; ++count) {
    for (std::size_t sent = 0; sent < 5; ++sent) {
      Rig rig;
      rig.push_block("first");
      rig.push_message("second");
      rig.push_block("third");
      rig.outbox.sent(rig.memory, sent);
      const std::string all = rig.contents();
      std::size_t bytes = 0;
      const Segment* segment = rig.outbox.first();
      for (std::size_t i = 0; i < count; ++i, segment = segment->next) bytes += segment->size;
      rig.outbox.merge(rig.memory, count, bytes);
      CHECK(rig.segments() == 4 - count);
      CHECK(rig.contents() == all);
      CHECK(rig.outbox.bytes() == all.size());
      rig.push_block("more");
      CHECK(rig.contents() == all + "more");
    }
  }
}

/// Frames that stand in one receive buffer with gaps between them, as echoes do.
struct BufferRig : Rig {
  BufferRig() {
    REQUIRE(buffers.take(buffer));
    std::memset(buffers.address(buffer), '#', 1000);
  }
  ~BufferRig() { buffers.release(buffer); }

  void push(std::size_t at, std::string_view text) {
    std::byte* to = buffers.address(buffer) + at;
    std::memcpy(to, text.data(), text.size());
    outbox.push_buffer(memory, buffer, {to, text.size()});
  }

  std::uint16_t buffer = 0;
};

TEST_CASE("Outbox: frames in one buffer move together") {
  BufferRig rig;
  rig.push(4, "one");
  rig.push(11, "two");
  rig.push(400, std::string(300, '3'));
  CHECK(rig.segments() == 1);
  CHECK(rig.contents() == "onetwo" + std::string(300, '3'));
  CHECK(rig.outbox.bytes() == 306);
}

TEST_CASE("Outbox: what a send under way uses is not touched") {
  BufferRig rig;
  rig.push(4, "one");
  rig.outbox.pin(1);
  rig.push(11, "two");
  CHECK(rig.segments() == 2);
  rig.push(20, "three");
  CHECK(rig.segments() == 2);
  CHECK(rig.contents() == "onetwothree");
  rig.outbox.sent(rig.memory, 2);
  rig.push(30, "four");
  CHECK(rig.contents() == "etwothreefour");
}

TEST_CASE("Outbox: something else in between keeps frames of one buffer apart") {
  BufferRig rig;
  rig.push(4, "one");
  rig.push_block("block");
  rig.push(20, "two");
  CHECK(rig.segments() == 3);
  CHECK(rig.contents() == "oneblocktwo");
  CHECK(rig.buffers.held_count() == 1);
}

TEST_CASE("Outbox: an empty queue takes any message, then queue_size counts") {
  Rig rig;
  constexpr std::uint32_t kTwoSegments = 2 * Outbox::kSegmentCost;
  const OutboxPolicy policy{.queue_size = 100 + kTwoSegments, .slow_client = SlowClient::drop};
  CHECK_FALSE(rig.push_message(std::string(500, 'x'), policy).empty());
  CHECK(rig.push_message("y", policy).empty());
  CHECK(rig.outbox.dropped() == 1);
  CHECK_FALSE(rig.outbox.overflowed());
  rig.outbox.sent(rig.memory, 450);
  CHECK_FALSE(rig.push_message(std::string(44, 'y'), policy).empty());  // 54 + 46 = 100
  CHECK(rig.push_message("", policy).empty());
}

TEST_CASE("Outbox: under `disconnect` nothing goes in after the first refusal") {
  Rig rig;
  const OutboxPolicy policy{.queue_size = 100, .slow_client = SlowClient::disconnect};
  rig.push_message(std::string(90, 'x'), policy);
  CHECK(rig.push_message(std::string(90, 'x'), policy).empty());
  CHECK(rig.outbox.overflowed());
  CHECK(rig.push_message("", policy).empty());
  rig.push_block("an answer");
  CHECK(rig.contents().ends_with("an answer"));
}

TEST_CASE("Outbox: shut, it takes no message and is not overflowed") {
  Rig rig;
  rig.outbox.shut();
  CHECK(rig.push_message("x").empty());
  CHECK_FALSE(rig.outbox.overflowed());
}

TEST_CASE("Outbox: take_fresh() tells of messages, once") {
  Rig rig;
  rig.push_block("answer");
  CHECK_FALSE(rig.outbox.take_fresh());
  rig.push_message("m");
  CHECK(rig.outbox.take_fresh());
  CHECK_FALSE(rig.outbox.take_fresh());
}

TEST_CASE("Outbox: drop_messages() leaves answers, what is begun and what is under way") {
  Rig rig;
  const std::string frame = rig.push_message("begun");
  rig.outbox.sent(rig.memory, 3);
  rig.push_message("dropped");
  rig.push_block("answer");
  rig.push_message("dropped");
  rig.outbox.drop_messages(rig.memory);
  CHECK(rig.contents() == frame.substr(3) + "answer");
  const std::string pinned = rig.push_message("pinned");
  rig.outbox.pin(3);
  rig.push_message("dropped");
  rig.outbox.drop_messages(rig.memory);
  CHECK(rig.contents() == frame.substr(3) + "answer" + pinned);
  rig.push_block("!");
  CHECK(rig.contents() == frame.substr(3) + "answer" + pinned + "!");
}

/// Any order of calls that a connection may make, against a string.
void compare_with_string(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  BufferRig rig;
  std::string model;
  std::size_t buffer_end = 14;
  std::size_t pinned_bytes = 0;
  for (int step = 0; step < 60; ++step) {
    std::string text(1 + random() % 20, static_cast<char>('a' + step % 26));
    switch (random() % 6) {
      case 0:
        rig.push_block(text);
        model += text;
        break;
      case 1:
        model += rig.push_message(text);
        break;
      case 2:
        rig.push(buffer_end, text);
        buffer_end += text.size() + 4 + random() % 8;
        model += text;
        break;
      case 3: {
        if (rig.outbox.pinned() || rig.outbox.empty()) break;
        const std::size_t count = 1 + random() % rig.segments();
        pinned_bytes = 0;
        const Segment* segment = rig.outbox.first();
        for (std::size_t i = 0; i < count; ++i, segment = segment->next)
          pinned_bytes += segment->size;
        const bool merges = random() % 2;
        if (merges) rig.outbox.merge(rig.memory, count, pinned_bytes);
        rig.outbox.pin(merges ? 1 : count);
        break;
      }
      default: {
        if (!rig.outbox.pinned()) break;
        const std::size_t sent = random() % (pinned_bytes + 1);
        rig.outbox.sent(rig.memory, sent);
        model.erase(0, sent);
        break;
      }
    }
    REQUIRE(rig.contents() == model);
    REQUIRE(rig.outbox.bytes() == model.size());
  }
}

TEST_CASE("Outbox: as a string would, whatever the order of calls") {
  for (std::uint64_t seed = 1; seed <= peal::test::rounds(2000); ++seed) {
    CAPTURE(seed);
    compare_with_string(seed);
  }
}

// ---- Answers around messages -------------------------------------------------------------------

/// A published message in all its forms.
struct Published {
  Published(Rig& its_rig, std::string_view text)
      : rig(its_rig), message(rig.memory.make_message(Opcode::text, as_bytes(text))) {
    message->offset = 7;
    rig.memory.make_forms(*message, rig.outbox.wants(), "t");
  }
  ~Published() { rig.memory.release(message); }

  Rig& rig;
  Message* message;
};

void begin_array(Rig& rig, std::string_view text) {
  Block* block = rig.memory.blocks.take(text.size());
  std::memcpy(block->data(), text.data(), text.size());
  rig.outbox.begin_array(rig.memory, block, {block->data(), text.size()});
}

TEST_CASE("Outbox: items become an array in an answer, behind what waits already") {
  Rig rig;
  rig.outbox.set_encoding(Encoding::json_items);
  rig.push_block("earlier");
  for (const std::string_view text : {"a", "b"})
    CHECK(rig.outbox.push_message(rig.memory, Published(rig, text).message, {}));
  const std::string items = rig.contents().substr(7);
  CHECK(items.starts_with(",{"));
  CHECK(rig.outbox.message_bytes() == items.size());
  begin_array(rig, "[");
  rig.push_block("]");
  const std::string first = "earlier[" + items.substr(1) + "]";
  CHECK(rig.contents() == first);
  CHECK(rig.outbox.message_bytes() == 0);
  // The next answer stands behind this one, and neither is dropped.
  CHECK(rig.outbox.push_message(rig.memory, Published(rig, "a").message, {}));
  begin_array(rig, "(");
  begin_array(rig, "empty");
  rig.outbox.drop_messages(rig.memory);
  CHECK(rig.contents().starts_with(first + "({"));
  CHECK(rig.contents().ends_with("}empty"));
  CHECK(rig.outbox.bytes() == rig.contents().size());
}

TEST_CASE("Outbox: renewed, it takes messages again, as frames") {
  Rig rig;
  rig.outbox.set_encoding(Encoding::json_items);
  rig.outbox.set_own_ids();
  rig.outbox.set_wants_room(true);
  CHECK(rig.outbox.push_message(rig.memory, Published(rig, "a").message, {}));
  rig.outbox.shut();
  CHECK(rig.outbox.fresh());
  rig.outbox.renew();
  CHECK_FALSE(rig.outbox.fresh());
  CHECK_FALSE(rig.outbox.is_shut());
  CHECK_FALSE(rig.outbox.own_ids());
  CHECK_FALSE(rig.outbox.wants_room());
  const std::string before = rig.contents();
  const std::string frame = rig.push_message("b");
  CHECK(rig.contents() == before + frame);
}

}  // namespace
}  // namespace peal::hub::outbox_test
