// SPDX-License-Identifier: Apache-2.0
// Who gets which form of a message, and how often it is compressed for that.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::compression_test {
namespace {

using namespace test;
using ws::DeflateAgreement;

constexpr DeflateAgreement kShares{.on = true};
constexpr DeflateAgreement kTakeover{.on = true, .server_takeover = true};
constexpr DeflateAgreement kNarrow{.on = true, .server_window_bits = 9};

Client& subscriber(Rig& rig, std::size_t shard, std::string_view topic,
                   const DeflateAgreement& agreement = {}) {
  Client& client = rig.client(shard);
  client.outbox.set_deflate(agreement);
  client.subscribe(topic);
  return client;
}

/// Compresses what waits for it, as a connection does before it sends.
void encode(Client& client, std::unique_ptr<ws::Deflater>& context, std::size_t bytes = 1 << 20) {
  const DeflateAgreement& agreed = client.outbox.deflate();
  ws::Compressor& compressor = client.shard.memory.compressor;
  client.outbox.encode_front(client.shard.memory, bytes, [&](Bytes frame) {
    const ws::FrameHeader header = ws::decode_header(frame, ws::Role::client);
    const Bytes payload = frame.subspan(header.size);
    return agreed.server_takeover
               ? compressor.compress(header.opcode, payload, agreed.server_window_bits, context)
               : compressor.compress(header.opcode, payload, agreed.server_window_bits);
  });
}

const std::string kText(300, 'x');
const std::string kLong(1000, 'y');

TEST_CASE("Hub: a message is compressed once for all who share it, on whatever shard") {
  for (std::size_t home = 0; home < 3; ++home) {
    Rig rig(3);
    const std::string topic = rig.topic_at(home);
    for (std::size_t shard = 0; shard < 3; ++shard)
      for (int i = 0; i < 4; ++i)
        subscriber(rig, shard, topic, i % 2 ? kShares : DeflateAgreement{});
    rig.settle();
    rig.clients[0].publish(kText);
    rig.settle();
    CHECK(rig.compressions() == 1);
    for (std::size_t i = 0; i < rig.clients.size(); ++i)
      CHECK(rig.clients[i].heard() == Texts{i % 2 ? "~" + kText : kText});
  }
}

TEST_CASE("Hub: subscribers that share a form share the bytes") {
  if (pushes_at_once() < 2) return;
  Rig rig(1);
  Client& first = subscriber(rig, 0, "room", kShares);
  Client& second = subscriber(rig, 0, "room", kShares);
  first.publish(kText);
  CHECK(first.outbox.first()->data == second.outbox.first()->data);
  CHECK(first.outbox.bytes() < 30);  // what is queued, not what it stands for
}

TEST_CASE("Hub: nothing is compressed when nobody wants it, or no longer does") {
  Rig rig(2);
  const std::string topic = rig.topic_at(1);
  Client& publisher = subscriber(rig, 0, topic);
  Client& other = subscriber(rig, 1, topic, kTakeover);  // compresses for itself
  Client& last = subscriber(rig, 1, topic, kShares);
  rig.settle();
  last.leave();
  rig.settle();
  publisher.publish(kText);
  rig.settle();
  CHECK(rig.compressions() == 0);
  CHECK(publisher.heard() == Texts{kText});
  CHECK(other.heard() == Texts{kText});
}

TEST_CASE("Hub: small messages, and those that do not get smaller, go plain to all") {
  Rig rig(2);
  const std::string topic = rig.topic_at(0);
  Client& sharing = subscriber(rig, 1, topic, kShares);
  Client& plain = subscriber(rig, 1, topic);
  rig.settle();
  std::string noise;
  for (unsigned i = 1; noise.size() < 500; i = i * 1664525 + 1013904223)
    noise += static_cast<char>(i >> 24);
  for (const std::string& text : {std::string("short"), noise}) {
    plain.publish(text);
    rig.settle();
    CHECK(sharing.heard() == Texts{text});
    CHECK(plain.heard() == Texts{text});
  }
}

TEST_CASE("Hub: a shard gets only the forms that its subscribers need") {
  Rig rig(3);
  const std::string topic = rig.topic_at(0);
  Client& sharing = subscriber(rig, 1, topic, kShares);
  Client& plain = subscriber(rig, 2, topic);
  rig.settle();
  plain.publish(kText);
  rig.shards[2]->turn();  // to the home
  rig.shards[0]->turn();  // and on
  rig.shards[1]->turn();
  CHECK(rig.shards[1]->memory.messages.out() == 1);  // a stand-in of the compressed form
  rig.settle();
  CHECK(sharing.heard() == Texts{"~" + kText});
  CHECK(plain.heard() == Texts{kText});
}

TEST_CASE("Hub: a small window shares short messages, longer ones are compressed for it alone") {
  Rig rig(2);
  Client& narrow = subscriber(rig, 0, rig.topic_at(1), kNarrow);
  Client& wide = subscriber(rig, 1, rig.topic_at(1), kShares);
  rig.settle();
  std::unique_ptr<ws::Deflater> none;
  narrow.publish(kText);
  rig.settle();
  CHECK(rig.compressions() == 1);
  CHECK(narrow.heard() == Texts{"~" + kText});
  narrow.publish(kLong);
  rig.settle();
  CHECK(text_of({narrow.outbox.first()->data, narrow.outbox.first()->size}) == kLong);
  encode(narrow, none);
  CHECK(rig.compressions() == 3);
  CHECK(narrow.heard() == Texts{"~" + kLong});
  CHECK(wide.heard() == Texts{"~" + kText, "~" + kLong});
}

TEST_CASE("Outbox: what is dropped was never compressed, what was compressed is not dropped") {
  Rig rig(1);
  Client& client = subscriber(rig, 0, "room", kTakeover);
  std::unique_ptr<ws::Deflater> context;
  client.publish(kText);
  client.publish(kLong);
  const std::size_t before = client.outbox.cost();
  encode(client, context, 1);  // as far as the next send takes it
  CHECK(rig.compressions() == 1);
  CHECK(client.outbox.cost() < before - 250);
  client.outbox.drop_messages(rig.shards[0]->memory);
  CHECK(client.outbox.bytes() == client.outbox.first()->size);
  CHECK(client.heard() == Texts{"~" + kText});
  encode(client, context);
  CHECK(rig.compressions() == 1);
}

TEST_CASE("Outbox: a context runs over messages and answers in the order they are sent") {
  Rig rig(1);
  Client& client = subscriber(rig, 0, "room", kTakeover);
  Memory& memory = rig.shards[0]->memory;
  std::unique_ptr<ws::Deflater> context;
  std::mt19937_64 random(3);
  ws::InflaterPool inflaters;
  ws::ReaderState reader;
  std::string expected;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string text = "message " + std::to_string(random() % 50) + kText;
    expected += text;
    if (random() % 2) {
      client.publish(text);
    } else {  // an answer
      Message* made = memory.make_message(ws::Opcode::text, as_bytes(text));
      Block* block = memory.blocks.take(made->frame.size());
      std::ranges::copy(made->frame, block->data());
      client.outbox.push_block(memory, block, {block->data(), made->frame.size()}, true);
      memory.release(made);
    }
    if (random() % 3) continue;
    encode(client, context, 1 + random() % 1000);
    while (const Segment* first = client.outbox.first()) {
      if (first->encode) break;
      MutableBytes input(first->data, first->size);
      const ws::Event event = ws::next(reader, input,
                                       {.pool = memory.blocks,
                                        .message_size = 1 << 20,
                                        .role = ws::Role::client,
                                        .inflaters = &inflaters,
                                        .takeover = true});
      REQUIRE(event.kind == ws::Event::Kind::message);
      got += as_text(event.payload);
      memory.blocks.give(event.block);
      client.outbox.sent(memory, first->size);
    }
  }
  CHECK(got.size() > 40'000);
  CHECK(expected.starts_with(got));
  ws::discard(reader, memory.blocks, &inflaters);
}

}  // namespace
}  // namespace peal::hub::compression_test
