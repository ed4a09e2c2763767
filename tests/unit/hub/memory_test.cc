// SPDX-License-Identifier: Apache-2.0
#include "core/hub/memory.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace peal::hub::memory_test {
namespace {

using ws::Opcode;

class Keeper final : public OriginalKeeper {
 public:
  void release_original(ShardIndex home, Message* original) override {
    released.emplace_back(home, original);
  }
  std::vector<std::pair<ShardIndex, Message*>> released;
};

TEST_CASE("Memory: a message is one final frame of a server") {
  io::BufferPool buffers;
  Memory memory(0, buffers, 0);
  struct Case {
    std::size_t size;
    std::string header;
  };
  using namespace std::string_literals;
  for (const Case& it :
       {Case{0, "\x81\x00"s}, Case{125, "\x81\x7d"s}, Case{126, "\x81\x7e\x00\x7e"s},
        Case{65'536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s}}) {
    const std::string payload(it.size, 'p');
    Message* message = memory.make_message(Opcode::text, as_bytes(payload));
    CHECK(as_text(message->frame) == it.header + payload);
    memory.release(message);
  }
  CHECK(memory.messages.out() == 0);
  CHECK(memory.blocks.bytes_out() == 0);
}

TEST_CASE("Memory: a message in the block that its payload lies in") {
  io::BufferPool buffers;
  Memory memory(0, buffers, 0);
  Block* block = memory.blocks.take(100);
  std::byte* payload = block->data() + ws::kMaxServerHeader;
  payload[0] = std::byte{'a'};
  payload[1] = std::byte{'b'};
  Message* message = memory.make_message(Opcode::binary, {payload, 2}, block);
  CHECK(as_text(message->frame) ==
        "\x82\x02"
        "ab");
  CHECK(message->block == block);
  memory.release(message);
  CHECK(memory.blocks.bytes_out() == 0);
}

TEST_CASE("Memory: a message lives as long as it has references") {
  io::BufferPool buffers;
  Memory memory(0, buffers, 0);
  Message* message = memory.make_raw_message(as_bytes("name"));
  message->references += 2;
  memory.release(message);
  memory.release(message);
  CHECK(memory.messages.out() == 1);
  CHECK(as_text(message->frame) == "name");
  memory.release(message);
  CHECK(memory.messages.out() == 0);
  CHECK(memory.blocks.bytes_out() == 0);
}

TEST_CASE("Memory: the last reference to a stand-in is told, with the original and its home") {
  io::BufferPool buffers;
  Memory there(2, buffers, 0), here(0, buffers, 0);
  Keeper keeper;
  here.set_original_keeper(keeper);
  Message* original = there.make_message(Opcode::text, as_bytes("x"));
  Message* stand_in = here.make_stand_in(2, original, original->frame);
  ++stand_in->references;
  here.release(stand_in);
  CHECK(keeper.released.empty());
  here.release(stand_in);
  REQUIRE(keeper.released.size() == 1);
  CHECK(keeper.released[0] == std::pair<ShardIndex, Message*>(2, original));
  CHECK(here.messages.out() == 0);
  there.release(original);
  CHECK(there.messages.out() == 0);
}

TEST_CASE("Memory: a segment gives back what it kept in place") {
  io::BufferPool buffers;
  Memory memory(0, buffers, 0);
  std::uint16_t buffer;
  REQUIRE(buffers.take(buffer));
  memory.release(memory.segments.take(
      {.keeper = Segment::Keeper::buffer, .buffer = buffer, .block = nullptr}));
  CHECK(buffers.held_count() == 0);
  memory.release(
      memory.segments.take({.keeper = Segment::Keeper::block, .block = memory.blocks.take(10)}));
  CHECK(memory.blocks.bytes_out() == 0);
  memory.release(memory.segments.take(
      {.keeper = Segment::Keeper::message, .message = memory.make_raw_message(as_bytes("x"))}));
  CHECK(memory.messages.out() == 0);
  CHECK(memory.segments.out() == 0);
}

}  // namespace
}  // namespace peal::hub::memory_test
