// SPDX-License-Identifier: Apache-2.0
// Compressed messages through the reader: RFC 7692 section 6, and what an attacker makes of them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/ws/message_reader.h"
#include "tests/unit/ws/frames.h"
#include "tests/unit/ws/reference_reader.h"

namespace peal::ws::compressed_message_test {

using namespace test;
using Kind = Event::Kind;
using namespace std::string_literals;

namespace {

constexpr std::uint64_t kLimit = 1 << 20;
constexpr unsigned kRsv1 = 0x40, kContinuation = 0x0, kText = 0x1, kBinary = 0x2, kClose = 0x8,
                   kPing = 0x9, kPong = 0xa;
constexpr Deflation kAlone{.on = true, .takeover = false};
constexpr Deflation kTakeover{.on = true, .takeover = true};

std::vector<Seen> read(std::string_view stream, Deflation deflation = kAlone,
                       std::uint64_t limit = kLimit) {
  RealReader whole(Role::server, limit, deflation);
  whole.feed(stream);
  RealReader dribble(Role::server, limit, deflation);
  for (char octet : stream) dribble.feed({&octet, 1});
  CHECK(dribble.seen() == whole.seen());
  CHECK(dribble.reason() == whole.reason());
  for (const std::size_t share : {1, 100, 5000}) {
    RealReader paused(Role::server, limit, deflation, share);
    paused.feed(stream);
    CHECK(paused.seen() == whole.seen());
    CHECK(paused.reason() == whole.reason());
  }
  return whole.seen();
}

Seen text(std::string payload) {
  return {Kind::message, Opcode::text, CloseCode::no_status, std::move(payload)};
}
Seen binary(std::string payload) {
  return {Kind::message, Opcode::binary, CloseCode::no_status, std::move(payload)};
}
Seen ping(std::string payload) {
  return {Kind::ping, Opcode::ping, CloseCode::no_status, std::move(payload)};
}
std::vector<Seen> failed(CloseCode code) {
  return {{Kind::failure, Opcode::continuation, code, {}}};
}

/// A whole compressed message.
std::string compressed(std::string_view payload, unsigned opcode = kText) {
  return client_frame(kFinal | kRsv1 | opcode, deflated(payload));
}

/// 1 GiB of zeros, compressed, with the tail cut off.
const std::string& bomb() {
  static const std::string octets = [] {
    const std::string mebibyte =
        ReferenceDeflater(15, 9).compress(std::string(1 << 20, '\0'), Z_FULL_FLUSH);
    std::string all;
    for (int i = 0; i < 1024; ++i) all += mebibyte;
    all.resize(all.size() - kDeflateTail.size());
    return all;
  }();
  return octets;
}

}  // namespace

TEST_CASE("CompressedMessage: whole, in fragments, beside plain ones and control frames") {
  const std::string octets = deflated("Hello, Hello, Hello");
  CHECK(read(compressed("Hello") + client_frame(kFinal | kText, "plain") +
             compressed("bytes", kBinary)) ==
        std::vector{text("Hello"), text("plain"), binary("bytes")});
  for (std::size_t cut = 0; cut <= octets.size(); ++cut)
    CHECK(read(client_frame(kRsv1 | kText, octets.substr(0, cut)) +
               client_frame(kFinal | kPing, "p") + client_frame(kContinuation, "") +
               client_frame(kFinal | kContinuation, octets.substr(cut)) + compressed("next")) ==
          std::vector{ping("p"), text("Hello, Hello, Hello"), text("next")});
}

TEST_CASE("CompressedMessage: empty ones (section 7.2.3.6)") {
  CHECK(read(client_frame(kFinal | kRsv1 | kText, "\0"s)) == std::vector{text("")});
  CHECK(read(client_frame(kFinal | kRsv1 | kText, "")) == std::vector{text("")});
  CHECK(read(client_frame(kRsv1 | kText, "") + client_frame(kFinal, "\0"s)) ==
        std::vector{text("")});
  CHECK(read(client_frame(kRsv1 | kText, "") + client_frame(kFinal, "") + compressed("x")) ==
        std::vector{text(""), text("x")});
}

TEST_CASE("CompressedMessage: a context goes on over messages, plain and empty ones between") {
  ReferenceDeflater peer;
  std::string stream;
  std::vector<Seen> expected;
  for (int i = 0; i < 5; ++i) {
    const std::string words = "the same words again, number " + std::to_string(i);
    stream += client_frame(kFinal | kRsv1 | kText, peer.message(words)) +
              client_frame(kFinal | kText, "plain") + client_frame(kFinal | kRsv1 | kText, "");
    expected.insert(expected.end(), {text(words), text("plain"), text("")});
  }
  CHECK(read(stream, kTakeover) == expected);
  CHECK(read(stream, kAlone).back() == failed(CloseCode::invalid_payload)[0]);
}

TEST_CASE("CompressedMessage: RSV1 only where a message begins, and only when agreed (section 6)") {
  const auto refused = failed(CloseCode::protocol_error);
  for (unsigned opcode : {kContinuation, kClose, kPing, kPong})
    CHECK(read(client_frame(kFinal | kRsv1 | opcode, "")) == refused);
  CHECK(read(client_frame(kRsv1 | kText, deflated("x")) +
             client_frame(kFinal | kRsv1 | kContinuation, "")) == refused);
  CHECK(read(client_frame(kText, "x") + client_frame(kFinal | kRsv1 | kContinuation, "")) ==
        refused);
  for (unsigned rsv : {0x10, 0x20, 0x30, 0x50, 0x60, 0x70})
    CHECK(read(client_frame(kFinal | rsv | kText, "x")) == refused);
  CHECK(read(compressed("x"), {}) == refused);
}

TEST_CASE("CompressedMessage: a corrupt one is invalid payload") {
  const auto invalid = failed(CloseCode::invalid_payload);
  CHECK(read(client_frame(kFinal | kRsv1 | kBinary, "\xff\xff")) == invalid);
  CHECK(read(client_frame(kFinal | kRsv1 | kBinary, deflated("Hello").substr(0, 3))) == invalid);
  CHECK(read(client_frame(kRsv1 | kBinary, "\xff\xff and no end")) == invalid);
}

TEST_CASE("CompressedMessage: text is UTF-8 from its first octet on") {
  const auto invalid = failed(CloseCode::invalid_payload);
  CHECK(read(compressed("caf\xc3\xa9")) == std::vector{text("caf\xc3\xa9")});
  CHECK(read(compressed("\xff", kBinary)) == std::vector{binary("\xff")});
  CHECK(read(compressed("caf\xc3")) == invalid);
  // Refused before the message is complete, even before the frame is.
  ReferenceDeflater deflater;
  const std::string start = deflater.compress("abc\xed\xa0 more");
  const std::string frame = client_frame(kRsv1 | kText, start + "and what never comes");
  CHECK(read(std::string_view(frame).substr(0, frame.size() - 20)) == invalid);
}

TEST_CASE("CompressedMessage: the size limit is for what comes out") {
  const auto too_big = failed(CloseCode::message_too_big);
  CHECK(read(compressed(std::string(1000, 'x')), kAlone, 1000) ==
        std::vector{text(std::string(1000, 'x'))});
  CHECK(read(compressed(std::string(1001, 'x')), kAlone, 1000) == too_big);
  // More octets than the limit, and yet not above it: stored blocks.
  std::string stored;
  for (int i = 0; i < 100; ++i) stored += "\0\x01\0\xfe\xff"s + "x";
  CHECK(read(client_frame(kFinal | kRsv1 | kText, stored + "\0"s), kAlone, 100) ==
        std::vector{text(std::string(100, 'x'))});
  const std::string half = deflated(std::string(600, 'x'));
  CHECK(read(client_frame(kRsv1 | kText, half + kDeflateTail) + client_frame(kFinal, half), kAlone,
             1000) == too_big);
}

TEST_CASE("CompressedMessage: a limit that was lowered meanwhile holds for what is in pieces") {
  const std::string frame = compressed(std::string(200'000, 'x'));
  RealReader reader(Role::server, kLimit, kAlone);
  reader.feed(frame.substr(0, frame.size() - 5));
  CHECK(reader.seen().empty());
  CHECK(reader.state().message_size > 1000);
  reader.set_limit(1000);
  reader.feed(frame.substr(frame.size() - 5));
  CHECK(reader.seen() == failed(CloseCode::message_too_big));
}

TEST_CASE("CompressedMessage: 1 GiB of zeros costs neither memory nor time") {
  CHECK(bomb().size() < 1'100'000);
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{16'000}, bomb().size()}) {
    CAPTURE(piece);
    RealReader reader(Role::server, kLimit, kAlone);
    const std::string frame = client_frame(kFinal | kRsv1 | kBinary, bomb());
    std::size_t fed = 0;
    std::size_t most = 0;
    while (reader.seen().empty() && fed < frame.size()) {
      reader.feed(std::string_view(frame).substr(fed, piece));
      fed += piece;
      most = std::max(most, reader.pool().bytes_out());
    }
    CHECK(reader.seen() == failed(CloseCode::message_too_big));
    CHECK(fed < 20'000 + piece);       // as soon as the limit is passed
    CHECK(most <= 2 * kLimit + 1024);  // blocks come in powers of two
  }
}

TEST_CASE("CompressedMessage: memory grows with what comes out, not with what a header claims") {
  RealReader reader(Role::server, 64 << 20, kAlone);
  reader.feed(header(kFinal | kRsv1 | kBinary, 0x7fffffffffffffff, true, 8) + "key!");
  CHECK(reader.pool().bytes_out() == 0);
  reader.feed(masked(deflated("a little"), {'k', 'e', 'y', '!'}));
  CHECK(reader.pool().bytes_out() <= 1024);
}

TEST_CASE("CompressedMessage: one that is over, or broken off, leaves nothing") {
  RealReader reader(Role::server, kLimit, kAlone);
  reader.feed(compressed("Hello"));
  CHECK(reader.state() == ReaderState{});
  reader.feed(client_frame(kRsv1 | kText, deflated("and then")));
  CHECK(reader.state().inflater != nullptr);
  reader.feed(client_frame(kFinal, ""));
  CHECK(reader.state() == ReaderState{});
  reader.feed(client_frame(kRsv1 | kText, deflated("broken off")));
}  // ~RealReader checks the pools

}  // namespace peal::ws::compressed_message_test
