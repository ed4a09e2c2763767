// SPDX-License-Identifier: Apache-2.0
#include "core/ws/deflate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/ws/frame_header.h"
#include "tests/unit/ws/reference_inflater.h"

namespace peal::ws::deflate_test {
namespace {

using test::deflated;
using test::ReferenceInflater;
using namespace std::string_literals;

std::string hex(std::string_view digits) {
  std::string octets;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 3)
    octets += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return octets;
}

/// What an inflater makes of a whole message; "cut off" or "corrupt" when it is none.
std::string message(Inflater& inflater, std::string_view octets) {
  std::string out;
  for (Bytes input : {as_bytes(octets), Bytes{}}) {
    if (input.empty()) input = inflater.tail();
    Inflater::Step step;
    do {
      std::array<std::byte, 7> room;  // small, so that it is often full
      step = inflater.inflate(input, room);
      out += as_text(Bytes(room).first(step.size));
    } while (step.outcome == Inflater::Outcome::full);
    if (step.outcome == Inflater::Outcome::corrupt) return "corrupt";
    REQUIRE(input.empty());
  }
  return inflater.end_message() ? out : "cut off";
}

std::string message(std::string_view octets) {
  Inflater inflater;
  return message(inflater, octets);
}

std::string words(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) text += "word " + std::to_string(i * i % 997) + " ";
  text.resize(size);
  return text;
}

/// The message that a server's frame carries, read without the code under test.
std::string payload_of(ReferenceInflater& inflater, const Compressor::Frame& frame) {
  const FrameHeader header = decode_header(frame.bytes, Role::client, true);
  REQUIRE(header.compressed);
  REQUIRE(header.fin);
  REQUIRE(header.size + header.payload_size == frame.bytes.size());
  std::string out;
  for (const char octet : as_text(frame.bytes.subspan(header.size)))
    REQUIRE(inflater.feed(octet, out, out.max_size()));
  REQUIRE(inflater.end(out, out.max_size()));
  return out;
}

TEST_CASE("Inflater: the examples of RFC 7692 section 7.2.3") {
  CHECK(message(hex("f2 48 cd c9 c9 07 00")) == "Hello");  // 7.2.3.1
  Inflater sharing;                                        // 7.2.3.2
  CHECK(message(sharing, hex("f2 48 cd c9 c9 07 00")) == "Hello");
  CHECK(message(sharing, hex("f2 00 11 00 00")) == "Hello");
  CHECK(message(hex("00 05 00 fa ff 48 65 6c 6c 6f 00")) == "Hello");        // 7.2.3.3
  CHECK(message(hex("f3 48 cd c9 c9 07 00 00")) == "Hello");                 // 7.2.3.4
  CHECK(message(hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")) == "Hello");  // 7.2.3.5
  CHECK(message(hex("00")) == "");                                           // 7.2.3.6
}

TEST_CASE("Inflater: a message of no octets is an empty one, and harms no later one") {
  Inflater inflater;
  CHECK(message(inflater, "") == "");
  CHECK(message(inflater, hex("f2 48 cd c9 c9 07 00")) == "Hello");
  CHECK(message(inflater, "") == "");
  CHECK(message(inflater, hex("f2 00 11 00 00")) == "Hello");
}

TEST_CASE("Inflater: what follows a final block is more of the message, with the same window") {
  const std::string first = hex("f3 48 cd c9 c9 07 00");  // "Hello", final
  CHECK(message(first) == "Hello");                       // lenient: without the octet behind it
  CHECK(message(first + first + "\0"s) == "HelloHello");
  Inflater inflater;
  CHECK(message(inflater, first + "\0"s) == "Hello");
  CHECK(message(inflater, hex("f2 00 11 00 00")) == "Hello");  // refers to what came before
}

TEST_CASE("Inflater: a message that ends inside a block is cut off") {
  const std::string octets = deflated(words(300));
  CHECK(message(octets) == words(300));
  std::size_t refused = 0;
  for (std::size_t size = 1; size < octets.size(); ++size) {
    const std::string got = message(octets.substr(0, size));
    refused += got == "cut off" || got == "corrupt";
  }
  CHECK(refused == octets.size() - 1);
}

TEST_CASE("Inflater: what is not deflate is corrupt") {
  CHECK(message("\xff") == "corrupt");                       // a block of type 3
  CHECK(message(hex("00 05 00 fb ff 48 65")) == "corrupt");  // a length that is not its complement
  CHECK(message(hex("f2 00 11 00 00")) == "corrupt");        // refers to what never came
}

TEST_CASE("Inflater: every window a peer may use, and zlib's 9 bits for 8") {
  const std::string text = words(3000) + words(3000);
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    CAPTURE(int{bits});
    test::ReferenceDeflater peer(std::max<int>(bits, 9));
    Inflater inflater;
    inflater.reset(bits);
    for (int i = 0; i < 3; ++i) CHECK(message(inflater, peer.message(text)) == text);
  }
}

TEST_CASE("InflaterPool: who takes one has nothing of whoever had it before") {
  InflaterPool pool;
  Inflater* inflater = pool.take(15);
  CHECK(message(*inflater, hex("f2 48 cd c9 c9 07 00")) == "Hello");
  pool.give(inflater);
  Inflater* again = pool.take(15);
  CHECK(again == inflater);
  CHECK(message(*again, hex("f2 00 11 00 00")) == "corrupt");
  CHECK(pool.out() == 1);
  pool.give(again);
  std::vector<Inflater*> many;
  for (int i = 0; i < 40; ++i) many.push_back(pool.take(15));
  for (Inflater* each : many) pool.give(each);
  CHECK(pool.out() == 0);
}

TEST_CASE("Compressor: messages without a context stand alone, for every window") {
  BlockPool blocks(1 << 20);
  Compressor compressor(blocks, {});
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    for (const std::size_t size : {64, 100, 256, 257, 511, 512, 5000, 70'000}) {
      CAPTURE(int{bits});
      CAPTURE(size);
      const std::string text = words(size);
      const auto frame = compressor.compress(Opcode::text, as_bytes(text), bits);
      if (bits == 8 && size > 256) {
        CHECK(frame.block == nullptr);
        continue;
      }
      REQUIRE(frame.block);
      CHECK(frame.bytes.size() < size);
      ReferenceInflater inflater;
      CHECK(payload_of(inflater, frame) == text);
      blocks.give(frame.block);
    }
  }
  CHECK(blocks.bytes_out() == 0);
}

TEST_CASE("Compressor: nothing refers back further than the window that was agreed") {
  // The same 100 octets, `distance` apart: within the window they are found, beyond it never.
  BlockPool blocks(1 << 20);
  Compressor compressor(blocks, {.level = 9, .min_size = 0});
  for (std::uint8_t bits = 9; bits <= 14; ++bits) {
    const std::size_t window = std::size_t{1} << bits;
    const std::string text = words(100) + std::string(window, '.') + words(100);
    const auto narrow = compressor.compress(Opcode::text, as_bytes(text), bits);
    const auto wide = compressor.compress(Opcode::text, as_bytes(text), 15);
    CHECK(narrow.bytes.size() > wide.bytes.size() + 20);
    blocks.give(narrow.block);
    blocks.give(wide.block);
  }
}

TEST_CASE("Compressor: what is small, or large, or does not get smaller goes as it is") {
  BlockPool blocks(1 << 20);
  Compressor compressor(blocks, {.level = 1, .min_size = 100, .max_size = 5000});
  CHECK_FALSE(compressor.compress(Opcode::text, as_bytes(std::string(99, 'x')), 15).block);
  CHECK(compressor.compressions() == 0);
  std::string noise;
  for (unsigned i = 1; noise.size() < 4096; i = i * 1664525 + 1013904223)
    noise += static_cast<char>(i >> 24);
  CHECK_FALSE(compressor.compress(Opcode::binary, as_bytes(noise), 15).block);
  const auto frame = compressor.compress(Opcode::text, as_bytes(std::string(100, 'x')), 15);
  CHECK(frame.bytes.size() < 100);
  blocks.give(frame.block);
  CHECK_FALSE(compressor.compress(Opcode::text, as_bytes(std::string(5001, 'x')), 15).block);
  std::unique_ptr<Deflater> context;
  CHECK_FALSE(
      compressor.compress(Opcode::text, as_bytes(std::string(5001, 'x')), 15, context).block);
  const auto longest = compressor.compress(Opcode::text, as_bytes(std::string(5000, 'x')), 15);
  CHECK(longest.bytes.size() < 100);
  blocks.give(longest.block);
  Compressor any(blocks, {.level = 1, .min_size = 0});
  CHECK_FALSE(any.compress(Opcode::text, {}, 15).block);
  CHECK_FALSE(any.compress(Opcode::text, as_bytes("x"), 15).block);
  CHECK(blocks.bytes_out() == 0);
}

TEST_CASE("Compressor: with a context every message counts on those before it") {
  BlockPool blocks(1 << 20);
  Compressor compressor(blocks, {});
  for (std::uint8_t bits = 9; bits <= 15; ++bits) {
    std::unique_ptr<Deflater> context;
    ReferenceInflater inflater;
    const std::string text = words(300);
    std::size_t first = 0;
    for (int i = 0; i < 5; ++i) {
      CHECK_FALSE(compressor.compress(Opcode::text, as_bytes("short"), bits, context).block);
      CHECK((context != nullptr) == (i > 0));
      const auto frame = compressor.compress(Opcode::text, as_bytes(text), bits, context);
      CHECK(payload_of(inflater, frame) == text);
      if (i == 0) first = frame.bytes.size();
      // Of a window of 2^9, zlib looks back over 250 octets only.
      if (i > 0 && bits > 9) CHECK(frame.bytes.size() < first / 3);
      blocks.give(frame.block);
    }
  }
}

TEST_CASE("Compressor: with a context even noise is compressed, or the windows would differ") {
  BlockPool blocks(1 << 20);
  Compressor compressor(blocks, {});
  std::string noise;
  for (unsigned i = 1; noise.size() < 100'000; i = i * 1664525 + 1013904223)
    noise += static_cast<char>(i >> 24);
  std::unique_ptr<Deflater> context;
  ReferenceInflater inflater;
  for (const std::string& text : {words(100), noise, words(100)}) {
    const auto frame = compressor.compress(Opcode::binary, as_bytes(text), 15, context);
    REQUIRE(frame.block);
    CHECK(payload_of(inflater, frame) == text);
    blocks.give(frame.block);
  }
}

}  // namespace
}  // namespace peal::ws::deflate_test
