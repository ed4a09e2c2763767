// SPDX-License-Identifier: Apache-2.0
#include "loadtest/payload.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/ws/deflate.h"
#include "core/ws/message_reader.h"

namespace peal::loadtest::payload_test {
namespace {

constexpr std::uint32_t kKey = 0x9a3c57f1;

SizeMix sizes_of(const std::string& text) {
  return *parse_sizes(text);
}

std::string bytes_of(SendBatch& batch) {
  std::string text;
  while (batch.size() > 0) {
    SendBatch::Pieces room;
    std::size_t count = 0;
    for (const iovec& piece : batch.pieces(room)) {
      text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
      count += piece.iov_len;
    }
    batch.sent(count);
  }
  return text;
}

struct Message {
  ws::Opcode opcode;
  std::string payload;
  bool inflated;
};

/// As a server reads it.
std::vector<Message> read_frames(std::string octets) {
  std::vector<Message> messages;
  BlockPool pool(0);
  ws::InflaterPool inflaters;
  ws::ReaderState state;
  const ws::ReaderContext context{.pool = pool,
                                  .message_size = ws::kMaxMessageSize,
                                  .role = ws::Role::server,
                                  .inflaters = &inflaters};
  MutableBytes input = std::as_writable_bytes(std::span(octets));
  while (true) {
    const ws::Event event = ws::next(state, input, context);
    if (event.kind != ws::Event::Kind::message) {
      CHECK(event.kind == ws::Event::Kind::none);
      break;
    }
    messages.push_back({event.opcode, std::string(as_text(event.payload)), event.inflated});
    pool.give(event.block);
  }
  ws::discard(state, pool, &inflaters);
  return messages;
}

TEST_CASE("Payload: frames of every size hold what matches() expects") {
  for (const std::uint32_t size : {0u, 1u, 8u, 31u, 32u, 33u, 64u, 125u, 126u, 2079u, 2080u, 2081u,
                                   12315u, 12316u, 12317u, 65535u, 65536u, 300'000u}) {
    CAPTURE(size);
    const Payload payload(sizes_of(std::to_string(size)), ws::Opcode::binary, kKey, false);
    SendBatch batch;
    const Stamp stamp{.sequence = 77, .source = 3, .time = 12345};
    payload.append_frame(batch, stamp);
    payload.append_frame(batch, {.sequence = 78, .source = 3});
    const auto messages = read_frames(bytes_of(batch));
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].opcode == ws::Opcode::binary);
    CHECK(messages[0].payload.size() == size);
    CHECK(payload.matches(write_stamp(stamp), 0, as_bytes(messages[0].payload)));
    SendBatch plain;
    payload.append_plain(plain, stamp);
    CHECK(bytes_of(plain) == messages[0].payload);
  }
}

TEST_CASE("Payload: compressed frames inflate to the same, where they are shorter") {
  for (const std::uint32_t size : {0u, 10u, 32u, 33u, 64u, 200u, 1024u, 16384u, 300'000u}) {
    CAPTURE(size);
    const Payload payload(sizes_of(std::to_string(size)), ws::Opcode::text, kKey, true);
    SendBatch batch;
    for (std::uint32_t i = 0; i < 3; ++i) payload.append_compressed(batch, {.sequence = i});
    const std::string octets = bytes_of(batch);
    const auto messages = read_frames(octets);
    REQUIRE(messages.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
      CHECK(messages[i].payload.size() == size);
      CHECK(messages[i].inflated == (size >= 200));
      CHECK(payload.matches(write_stamp({.sequence = i}), 0, as_bytes(messages[i].payload)));
    }
    if (size >= 200) CHECK(octets.size() < 3 * size);
  }
}

TEST_CASE("Payload: any octet that differs is noticed, in whatever piece it comes") {
  constexpr std::uint32_t kSize = 30'000;
  const Payload payload(sizes_of(std::to_string(kSize)), ws::Opcode::binary, kKey, false);
  const Stamp stamp{.sequence = 1, .source = 2};
  SendBatch batch;
  payload.append_plain(batch, stamp);
  std::string text = bytes_of(batch);
  const StampText expected = write_stamp(stamp);
  for (std::size_t at = 0; at < text.size(); at += at < 64 ? 1 : 613) {
    text[at] = static_cast<char>(text[at] ^ 1);
    CHECK_FALSE(payload.matches(expected, 0, as_bytes(text)));
    bool good = true;
    for (std::size_t begin = 0; begin < text.size(); begin += 1000)
      good = good &&
             payload.matches(expected, begin, as_bytes(std::string_view(text).substr(begin, 1000)));
    CHECK_FALSE(good);
    text[at] = static_cast<char>(text[at] ^ 1);
  }
  CHECK(payload.matches(expected, 0, as_bytes(text)));
  CHECK_FALSE(payload.matches(write_stamp({.sequence = 2, .source = 2}), 0, as_bytes(text)));
}

TEST_CASE("Payload: text is what may stand on one line of an event stream") {
  const Payload payload(sizes_of("20000"), ws::Opcode::text, kKey, false);
  SendBatch batch;
  payload.append_plain(batch, {});
  for (const char c : bytes_of(batch)) CHECK((c >= ' ' && c <= '~'));
}

}  // namespace
}  // namespace peal::loadtest::payload_test
