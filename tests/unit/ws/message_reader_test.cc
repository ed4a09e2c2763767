// SPDX-License-Identifier: Apache-2.0
#include "core/ws/message_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/unit/ws/frames.h"
#include "tests/unit/ws/reference_reader.h"

namespace peal::ws::message_reader_test {

using namespace test;
using Kind = Event::Kind;
using namespace std::string_literals;

static_assert(std::is_trivially_copyable_v<ReaderState>);

namespace {

constexpr std::uint64_t kLimit = 1 << 20;
constexpr unsigned kContinuation = 0x0, kText = 0x1, kBinary = 0x2, kClose = 0x8, kPing = 0x9,
                   kPong = 0xa;

/// What a server sees of `stream`: whole, and then the same octet by octet.
std::vector<Seen> read(std::string_view stream, Role role = Role::server,
                       std::uint64_t limit = kLimit) {
  RealReader whole(role, limit);
  whole.feed(stream);
  RealReader dribble(role, limit);
  for (char octet : stream) dribble.feed({&octet, 1});
  CHECK(dribble.seen() == whole.seen());
  CHECK(dribble.reason() == whole.reason());
  return whole.seen();
}

Seen message(Opcode opcode, std::string payload) {
  return {Kind::message, opcode, CloseCode::no_status, std::move(payload)};
}
Seen text(std::string payload) {
  return message(Opcode::text, std::move(payload));
}
Seen binary(std::string payload) {
  return message(Opcode::binary, std::move(payload));
}
Seen failure(CloseCode code) {
  return {Kind::failure, Opcode::continuation, code, {}};
}
Seen closed(CloseCode code, std::string reason) {
  return {Kind::close, Opcode::close, code, std::move(reason)};
}
Seen ping(std::string payload) {
  return {Kind::ping, Opcode::ping, CloseCode::no_status, std::move(payload)};
}
Seen pong(std::string payload) {
  return {Kind::pong, Opcode::pong, CloseCode::no_status, std::move(payload)};
}

const std::vector<Seen> kProtocolError{failure(CloseCode::protocol_error)};
const std::vector<Seen> kInvalidPayload{failure(CloseCode::invalid_payload)};
const std::vector<Seen> kTooBig{failure(CloseCode::message_too_big)};

std::string octet(unsigned value) {
  return {static_cast<char>(value)};
}

std::string with_code(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code)}.append(reason);
}

}  // namespace

TEST_CASE("MessageReader: unfragmented messages of every length form (section 5.2)") {
  for (std::size_t size : {0, 1, 5, 125, 126, 127, 65535, 65536, 70000}) {
    const std::string payload(size, 'x');
    CHECK(read(client_frame(kFinal | kText, payload)) == std::vector{text(payload)});
    CHECK(read(client_frame(kFinal | kBinary, payload)) == std::vector{binary(payload)});
    CHECK(read(server_frame(kFinal | kBinary, payload), Role::client) ==
          std::vector{binary(payload)});
  }
}

TEST_CASE("MessageReader: several frames in one piece") {
  CHECK(read(client_frame(kFinal | kText, "a") + client_frame(kFinal | kPing, "b") +
             client_frame(kFinal | kBinary, "c")) ==
        std::vector{text("a"), ping("b"), binary("c")});
}

TEST_CASE("MessageReader: a frame that lies whole in the input is seen in place") {
  BlockPool pool(0);
  ReaderState state;
  std::string stream = client_frame(kFinal | kText, "Hello") + client_frame(kFinal | kPing, "!");
  MutableBytes input = std::as_writable_bytes(std::span(stream));
  const std::byte* const start = input.data();
  Event event = next(state, input, {pool, kLimit, Role::server});
  CHECK(event.kind == Kind::message);
  CHECK(event.block == nullptr);
  CHECK(event.payload.data() == start + 6);
  CHECK(input.data() == start + 11);
  event = next(state, input, {pool, kLimit, Role::server});
  CHECK(event.kind == Kind::ping);
  CHECK(event.block == nullptr);
  CHECK(event.payload.data() == start + 17);
  CHECK(input.empty());
  CHECK(state == ReaderState{});
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("MessageReader: a control frame between fragments is seen in place") {
  RealReader reader(Role::server, kLimit);
  reader.feed(client_frame(kText, "a"));
  reader.feed(client_frame(kFinal | kPing, "b"));
  CHECK(reader.seen() == std::vector{ping("b")});
  CHECK(reader.blocks_seen() == 0);
}

TEST_CASE("MessageReader: what comes in pieces comes in a block") {
  RealReader reader(Role::server, kLimit);
  const std::string frame = client_frame(kFinal | kText, "Hello");
  reader.feed(frame.substr(0, 8));
  CHECK(reader.pool().bytes_out() > 0);
  reader.feed(frame.substr(8));
  CHECK(reader.seen() == std::vector{text("Hello")});
  CHECK(reader.blocks_seen() == 1);
  CHECK(reader.state() == ReaderState{});
}

TEST_CASE("MessageReader: a frame whose header was cut has room for an answer all the same") {
  RealReader reader(Role::server, kLimit);
  const std::string frame = client_frame(kFinal | kPing, "");
  reader.feed(frame.substr(0, 5));
  CHECK(reader.pool().bytes_out() == 0);
  reader.feed(frame.substr(5));
  CHECK(reader.seen() == std::vector{ping("")});
  CHECK(reader.blocks_seen() == 1);
}

TEST_CASE("MessageReader: frames are masked by clients only (section 5.1)") {
  CHECK(read(server_frame(kFinal | kText, "a")) == kProtocolError);
  CHECK(read("\x81\x05"s) == kProtocolError);
  CHECK(read(client_frame(kFinal | kText, "a"), Role::client) == kProtocolError);
  CHECK(read(server_frame(kFinal | kText, "a"), Role::client) == std::vector{text("a")});
}

TEST_CASE("MessageReader: reserved bits and opcodes are refused at the first octet (5.2)") {
  for (unsigned rsv : {0x40, 0x20, 0x10})
    CHECK(read(octet(kFinal | rsv | kText)) == kProtocolError);
  for (unsigned opcode : {0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf}) {
    const std::string first = octet(kFinal | opcode);
    CHECK(read(first) == kProtocolError);
    CHECK(read(client_frame(kFinal | kText, "before") + first) ==
          std::vector{text("before"), failure(CloseCode::protocol_error)});
  }
}

TEST_CASE("MessageReader: lengths have their shortest form, below 2^63 (section 5.2)") {
  CHECK(read(header(kFinal | kBinary, 125, true, 2)) == kProtocolError);
  CHECK(read(header(kFinal | kBinary, 126, true, 2)).empty());
  CHECK(read(header(kFinal | kBinary, 0, true, 8)) == kProtocolError);
  CHECK(read(header(kFinal | kBinary, 65535, true, 8)) == kProtocolError);
  CHECK(read(header(kFinal | kBinary, 65535, true, 8).substr(0, 8)) == kProtocolError);
  CHECK(read(header(kFinal | kBinary, 65536, true, 8)).empty());
  CHECK(read("\x82\xff\x80"s) == kProtocolError);
  CHECK(read("\x82\xff\x7f"s).empty());
}

TEST_CASE("MessageReader: fragments become one message (section 5.4)") {
  CHECK(read(client_frame(kText, "He") + client_frame(kContinuation, "") +
             client_frame(kContinuation, "ll") + client_frame(kFinal | kContinuation, "o") +
             client_frame(kFinal | kBinary, "next")) == std::vector{text("Hello"), binary("next")});
  CHECK(read(client_frame(kBinary, "") + client_frame(kFinal, "")) == std::vector{binary("")});
}

TEST_CASE("MessageReader: control frames may come between fragments (section 5.4)") {
  CHECK(read(client_frame(kText, "He") + client_frame(kFinal | kPing, "p") +
             client_frame(kContinuation, "ll") + client_frame(kFinal | kPong, "q") +
             client_frame(kFinal, "o")) == std::vector{ping("p"), pong("q"), text("Hello")});
  CHECK(read(client_frame(kText, "He") + client_frame(kFinal | kClose, with_code(1001))) ==
        std::vector{closed(CloseCode::going_away, "")});
}

TEST_CASE("MessageReader: fragments of two messages do not mix (section 5.4)") {
  CHECK(read(client_frame(kFinal, "a")) == kProtocolError);
  CHECK(read(client_frame(kContinuation, "a")) == kProtocolError);
  CHECK(read(client_frame(kText, "a") + "\x81") == kProtocolError);
  CHECK(read(client_frame(kText, "a") + "\x02") == kProtocolError);
  CHECK(read(client_frame(kText, "a") + client_frame(kFinal, "b") + client_frame(kFinal, "c")) ==
        std::vector{text("ab"), failure(CloseCode::protocol_error)});
}

TEST_CASE("MessageReader: control frames are whole and short (section 5.5)") {
  for (unsigned opcode : {kClose, kPing, kPong}) {
    CHECK(read(octet(opcode)) == kProtocolError);
    CHECK(read(header(kFinal | opcode, 126, true, 2).substr(0, 2)) == kProtocolError);
    CHECK(read(header(kFinal | opcode, 65536, true, 8).substr(0, 2)) == kProtocolError);
  }
  const std::string longest(125, 'x');
  CHECK(read(client_frame(kFinal | kPing, longest)) == std::vector{ping(longest)});
  CHECK(read(client_frame(kFinal | kPong, longest)) == std::vector{pong(longest)});
}

TEST_CASE("MessageReader: a close frame has a code and a reason, or nothing (section 5.5.1)") {
  CHECK(read(client_frame(kFinal | kClose, "")) == std::vector{closed(CloseCode::no_status, "")});
  CHECK(read(client_frame(kFinal | kClose, "\x03")) == kProtocolError);
  CHECK(read("\x88\x81"s) == kProtocolError);
  CHECK(read(client_frame(kFinal | kClose, with_code(1000, "bye"))) ==
        std::vector{closed(CloseCode::normal, "bye")});
  CHECK(read(client_frame(kFinal | kClose, with_code(4999))) ==
        std::vector{closed(CloseCode{4999}, "")});
  CHECK(read(client_frame(kFinal | kClose, with_code(1000, std::string(123, 'x')))) ==
        std::vector{closed(CloseCode::normal, std::string(123, 'x'))});
}

TEST_CASE("MessageReader: nothing is read after a close frame (section 5.5.1)") {
  CHECK(read(client_frame(kFinal | kClose, with_code(1000)) + client_frame(kFinal | kText, "a")) ==
        std::vector{closed(CloseCode::normal, "")});
}

TEST_CASE("MessageReader: close codes (section 7.4)") {
  for (unsigned code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    CHECK(read(client_frame(kFinal | kClose, with_code(code))) == kProtocolError);
}

TEST_CASE("MessageReader: a close reason is UTF-8 (section 5.5.1)") {
  CHECK(read(client_frame(kFinal | kClose, with_code(1000, "\xc3\xa9"))) ==
        std::vector{closed(CloseCode::normal, "\xc3\xa9")});
  CHECK(read(client_frame(kFinal | kClose, with_code(1000, "\xc3"))) == kInvalidPayload);
  CHECK(read(client_frame(kFinal | kClose, with_code(1000, "\xff"))) == kInvalidPayload);
}

TEST_CASE("MessageReader: text is UTF-8, binary is anything (section 8.1)") {
  const std::string smile = "\xf0\x9f\x98\x80";
  CHECK(read(client_frame(kFinal | kText, smile)) == std::vector{text(smile)});
  CHECK(read(client_frame(kFinal | kText, "\xff")) == kInvalidPayload);
  CHECK(read(client_frame(kFinal | kText, "\xf0\x9f\x98")) == kInvalidPayload);
  CHECK(read(client_frame(kFinal | kBinary, "\xff")) == std::vector{binary("\xff")});
  CHECK(read(client_frame(kBinary, "\xff") + client_frame(kFinal, "\xf0")) ==
        std::vector{binary("\xff\xf0")});
}

TEST_CASE("MessageReader: a character may be cut by fragments and pieces (section 8.1)") {
  const std::string smile = "\xf0\x9f\x98\x80";
  for (std::size_t cut = 0; cut <= smile.size(); ++cut)
    CHECK(read(client_frame(kText, smile.substr(0, cut)) + client_frame(kFinal | kPing, "p") +
               client_frame(kFinal, smile.substr(cut))) == std::vector{ping("p"), text(smile)});
  CHECK(read(client_frame(kText, "\xf0\x9f") + client_frame(kFinal, "\x98")) == kInvalidPayload);
  CHECK(read(client_frame(kText, "\xf0\x9f") + client_frame(kFinal, "")) == kInvalidPayload);
}

TEST_CASE("MessageReader: bad text is refused before its frame is complete (section 8.1)") {
  const std::string frame = client_frame(kFinal | kText, "abc\xed\xa0 and what never comes");
  CHECK(read(frame.substr(0, 6 + 4)).empty());
  CHECK(read(frame.substr(0, 6 + 5)) == kInvalidPayload);
  CHECK(read(client_frame(kText, "abc\xed") + client_frame(kFinal, "\xa0 more").substr(0, 7)) ==
        kInvalidPayload);
}

TEST_CASE("MessageReader: the size limit holds at the header (section 10.4)") {
  CHECK(read(client_frame(kFinal | kBinary, std::string(100, 'x')), Role::server, 100).size() == 1);
  CHECK(read(header(kFinal | kBinary, 101, true, 0) + "key!", Role::server, 100) == kTooBig);
  CHECK(read(header(kFinal | kBinary, 0x7fffffffffffffff, true, 8) + "key!") == kTooBig);
  CHECK(read(header(kFinal | kBinary, kMaxMessageSize + 1, true, 8) + "key!", Role::server,
             ~std::uint64_t{0}) == kTooBig);
}

TEST_CASE("MessageReader: the size limit is over the sum of fragments (section 10.4)") {
  const std::string half(50, 'x');
  CHECK(read(client_frame(kBinary, half) + client_frame(kFinal, half), Role::server, 100) ==
        std::vector{binary(half + half)});
  CHECK(read(client_frame(kBinary, half) + header(kFinal, 51, true, 0) + "key!", Role::server,
             100) == kTooBig);
  CHECK(read(client_frame(kBinary, half) + header(kFinal, 0x7fffffffffffffff, true, 8) + "key!",
             Role::server, 100) == kTooBig);
  CHECK(read(client_frame(kBinary, half) + client_frame(kFinal | kPing, std::string(125, 'x')),
             Role::server, 50) == std::vector{ping(std::string(125, 'x'))});
}

TEST_CASE("MessageReader: the number of fragments is limited, of each message anew") {
  BlockPool pool(1 << 20);
  const ReaderContext context{
      .pool = pool, .message_size = kLimit, .role = Role::server, .message_fragments = 3};
  ReaderState state;
  const auto feed = [&](std::string octets) {
    MutableBytes input = std::as_writable_bytes(std::span(octets));
    const Event event = next(state, input, context);
    pool.give(event.block);
    return event;
  };
  const std::string begin = client_frame(kText, "a");
  const std::string middle = client_frame(kContinuation, "");
  const std::string end = client_frame(kFinal | kContinuation, "z");
  for (int round = 0; round < 3; ++round) {
    CHECK(feed(begin + middle + end).kind == Kind::message);
    CHECK(state == ReaderState{});
    CHECK(feed(client_frame(kFinal | kText, "whole")).kind == Kind::message);
  }
  CHECK(feed(begin + client_frame(kFinal | kPing, "") + "").kind == Kind::ping);
  CHECK(feed(middle + middle).kind == Kind::none);
  const Event failed = feed(end);
  CHECK(failed.kind == Kind::failure);
  CHECK(failed.code == CloseCode::policy_violation);
  discard(state, pool);
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("MessageReader: a header that claims much costs little") {
  RealReader reader(Role::server, 64 << 20);
  reader.feed(header(kFinal | kBinary, 64 << 20, true, 8) + "key!");
  CHECK(reader.pool().bytes_out() <= 64 << 10);
  reader.feed(std::string(1000, 'x'));
  CHECK(reader.pool().bytes_out() <= 64 << 10);
  for (int kib = 1; kib < 1024; ++kib) {
    reader.feed(std::string(1024, 'x'));
    // Blocks come in powers of two: at most twice what was asked for, which is 32 times what has
    // arrived. The pages of most of it were never touched.
    REQUIRE(reader.pool().bytes_out() <= std::max(64, 2 * 32 * (kib + 2)) * 1024);
  }
}

TEST_CASE("MessageReader: a long frame can be received where it belongs, but for its last octet") {
  BlockPool pool(0);
  ReaderState state;
  const ReaderContext context{pool, kLimit, Role::server};
  std::string stream = client_frame(kFinal | kBinary, std::string(1000, 'x'));
  MutableBytes input = std::as_writable_bytes(std::span(stream)).first(100);
  CHECK_FALSE(awaits_payload(state, 2, context));
  CHECK(next(state, input, context).kind == Kind::none);
  CHECK(awaits_payload(state, 908, context));
  CHECK_FALSE(awaits_payload(state, 909, context));
  const MutableBytes room = room_for_payload(state, context);
  CHECK(room.size() == 907);
  std::ranges::copy(std::as_bytes(std::span(stream)).subspan(100, 907), room.begin());
  CHECK(take_payload(state, 907) == nullptr);
  CHECK_FALSE(awaits_payload(state, 2, context));
  input = std::as_writable_bytes(std::span(stream)).last(1);
  const Event event = next(state, input, context);
  CHECK(event.kind == Kind::message);
  CHECK(as_text(event.payload) == std::string(1000, 'x'));
  pool.give(event.block);
}

TEST_CASE("MessageReader: a limit that was lowered meanwhile holds for what is in pieces") {
  const std::string frame = client_frame(kFinal | kBinary, std::string(200'000, 'x'));
  const std::string part = client_frame(kBinary, std::string(70'000, 'x'));
  const std::string ping_cut = client_frame(kFinal | kPing, "x").substr(0, 6);
  for (const std::string& first : {frame.substr(0, 70'000), part, part + ping_cut}) {
    RealReader reader(Role::server, kLimit);
    reader.go_direct(2);
    reader.feed(first);
    CHECK(reader.seen().empty());
    reader.set_limit(1000);
    reader.feed(std::string(100'000, 'x'));
    CHECK(reader.seen() == kTooBig);
  }
  RealReader reader(Role::server, kLimit);
  reader.feed(frame.substr(0, 70'000));
  reader.set_limit(200'000);
  reader.feed(frame.substr(70'000));
  CHECK(reader.seen() == std::vector{binary(std::string(200'000, 'x'))});
}

TEST_CASE("MessageReader: small fragments do not copy the message again and again") {
  // Above 4 MiB, where the pool no longer rounds, blocks must grow by a factor all the same.
  constexpr std::size_t kFragments = 12'000, kSize = 1000;
  RealReader reader(Role::server, 16 << 20);
  const std::string fragment = client_frame(kContinuation, std::string(kSize, 'x'));
  reader.feed(client_frame(kBinary, ""));
  std::size_t growths = 0;
  for (std::size_t i = 0; i < kFragments; ++i) {
    const std::size_t before = reader.pool().bytes_out();
    reader.feed(fragment);
    growths += reader.pool().bytes_out() != before;
  }
  CHECK(growths < 20);
  reader.feed(client_frame(kFinal, "end"));
  CHECK(reader.seen() == std::vector{binary(std::string(kFragments * kSize, 'x') + "end")});
}

TEST_CASE("MessageReader: discard gives back a message and a control frame in pieces") {
  RealReader reader(Role::server, kLimit);
  reader.feed(client_frame(kText, "a") + client_frame(kFinal | kPing, "bcd").substr(0, 7));
  CHECK(reader.state().message != nullptr);
  CHECK(reader.state().control != nullptr);
}  // ~RealReader checks the pool

}  // namespace peal::ws::message_reader_test
