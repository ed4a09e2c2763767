// SPDX-License-Identifier: Apache-2.0
// RFC 6455 framing read one octet at a time: slow, plain, and to be compared with next().
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/block_pool.h"
#include "core/base/check.h"
#include "core/ws/deflate.h"
#include "core/ws/echo.h"
#include "core/ws/frame_header.h"
#include "core/ws/message_reader.h"
#include "tests/unit/ws/reference_inflater.h"
#include "tests/unit/ws/reference_utf8.h"

namespace peal::ws::test {

/// An Event as a value.
struct Seen {
  Event::Kind kind = Event::Kind::none;
  Opcode opcode = Opcode::continuation;
  CloseCode code = CloseCode::no_status;
  std::string payload;

  friend bool operator==(const Seen&, const Seen&) = default;
};

/// What the reader knows of permessage-deflate.
struct Deflation {
  bool on = false;
  bool takeover = false;
};

class ReferenceReader {
 public:
  ReferenceReader(Role role, std::uint64_t limit, Deflation deflation = {})
      : role_(role), limit_(limit), deflation_(deflation) {}

  void feed(std::string_view octets) {
    for (char octet : octets)
      if (!finished_) feed(static_cast<std::uint8_t>(octet));
  }
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  void feed(std::uint8_t octet) {
    if (in_payload_) return feed_payload(octet);
    header_.push_back(octet);
    check_header();
    if (!finished_ && header_.size() == header_size()) begin_payload();
  }

  std::size_t header_size() const {
    if (header_.size() < 2) return 2;
    const std::size_t length = length_octets();
    return 2 + length + (role_ == Role::server ? 4 : 0);
  }
  std::size_t length_octets() const {
    const int length = header_[1] & 0x7f;
    return length == 126 ? 2 : length == 127 ? 8 : 0;
  }
  bool is_control() const { return header_[0] & 8; }
  bool fin() const { return header_[0] & 0x80; }
  int opcode() const { return header_[0] & 0xf; }

  /// Looks at the newest octet of the header.
  void check_header() {
    const std::uint8_t octet = header_.back();
    const std::size_t count = header_.size();
    if (count == 1) {
      const bool known = opcode() <= 2 || (opcode() >= 8 && opcode() <= 10);
      const bool begins = opcode() == 1 || opcode() == 2;
      const bool may_compress = deflation_.on && begins && (octet & 0x70) == 0x40;
      if ((octet & 0x70) != 0 && !may_compress) return fail(CloseCode::protocol_error);
      if (!known) return fail(CloseCode::protocol_error);
      if (is_control() && !fin()) return fail(CloseCode::protocol_error);
      if (opcode() == 0 && !in_message_) return fail(CloseCode::protocol_error);
      if ((opcode() == 1 || opcode() == 2) && in_message_) return fail(CloseCode::protocol_error);
    } else if (count == 2) {
      const int length = octet & 0x7f;
      if (!!(octet & 0x80) != (role_ == Role::server)) return fail(CloseCode::protocol_error);
      if (is_control() && length > 125) return fail(CloseCode::protocol_error);
      if (opcode() == 8 && length == 1) return fail(CloseCode::protocol_error);
    } else if (length_octets() == 2 && count == 4) {
      if (header_[2] == 0 && header_[3] < 126) return fail(CloseCode::protocol_error);
    } else if (length_octets() == 8) {
      if (count == 3 && (octet & 0x80)) return fail(CloseCode::protocol_error);
      if (count == 8 && std::vector<std::uint8_t>(6) ==
                            std::vector<std::uint8_t>(header_.begin() + 2, header_.end()))
        return fail(CloseCode::protocol_error);
    }
  }

  void begin_payload() {
    left_ = header_[1] & 0x7f;
    if (length_octets() > 0) left_ = 0;
    for (std::size_t i = 0; i < length_octets(); ++i) left_ = left_ << 8 | header_[2 + i];
    key_ = {};
    if (role_ == Role::server) std::copy(header_.end() - 4, header_.end(), key_.begin());
    position_ = 0;
    in_payload_ = true;
    if (is_control()) {
      control_.clear();
    } else {
      if (!in_message_) compressed_ = (header_[0] & 0x40) != 0;
      if (!compressed_ && (left_ > limit_ || message_.size() > limit_ - left_))
        return fail(CloseCode::message_too_big);
      if (!in_message_) {
        in_message_ = true;
        is_text_ = opcode() == 1;
        text_ = {};
      }
    }
    if (left_ == 0) end_frame();
  }

  void feed_payload(std::uint8_t masked) {
    const auto octet = static_cast<char>(masked ^ key_[position_++ % 4]);
    if (!is_control() && compressed_) {
      const std::size_t before = message_.size();
      const bool sound = inflater_.feed(octet, message_, limit_);
      if (!check_inflated(before, sound)) return;
      if (--left_ == 0) end_frame();
      return;
    }
    (is_control() ? control_ : message_) += octet;
    if (!is_control() && is_text_ && !text_.feed(octet)) return fail(CloseCode::invalid_payload);
    if (--left_ == 0) end_frame();
  }

  /// Looks at what came out last; false when it failed.
  bool check_inflated(std::size_t before, bool sound) {
    for (std::size_t i = before; i < message_.size() && !finished_; ++i) {
      if (i >= limit_)
        fail(CloseCode::message_too_big);
      else if (is_text_ && !text_.feed(message_[i]))
        fail(CloseCode::invalid_payload);
    }
    if (!finished_ && !sound) fail(CloseCode::invalid_payload);
    return !finished_;
  }

  void end_frame() {
    if (is_control()) {
      end_control();
    } else if (fin()) {
      if (compressed_) {
        const std::size_t before = message_.size();
        const bool whole = inflater_.end(message_, limit_);
        if (!check_inflated(before, whole)) return;
        if (!deflation_.takeover) inflater_.reset();
      }
      if (is_text_ && !text_.complete()) return fail(CloseCode::invalid_payload);
      seen_.push_back({Event::Kind::message, is_text_ ? Opcode::text : Opcode::binary,
                       CloseCode::no_status, message_});
      message_.clear();
      in_message_ = false;
    }
    header_.clear();
    in_payload_ = false;
  }

  void end_control() {
    if (opcode() != 8) {
      seen_.push_back({opcode() == 9 ? Event::Kind::ping : Event::Kind::pong,
                       static_cast<Opcode>(opcode()), CloseCode::no_status, control_});
      return;
    }
    finished_ = true;
    int code = 1005;
    if (!control_.empty()) {
      code = static_cast<std::uint8_t>(control_[0]) << 8 | static_cast<std::uint8_t>(control_[1]);
      const bool registered =
          code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
      if (!registered && (code < 3000 || code > 4999)) return fail(CloseCode::protocol_error);
      control_.erase(0, 2);
    }
    ReferenceUtf8 reason;
    for (char octet : control_) reason.feed(octet);
    if (!reason.complete()) return fail(CloseCode::invalid_payload);
    seen_.push_back({Event::Kind::close, Opcode::close, static_cast<CloseCode>(code), control_});
  }

  void fail(CloseCode code) {
    seen_.push_back({Event::Kind::failure, Opcode::continuation, code, {}});
    finished_ = true;
  }

  Role role_;
  std::uint64_t limit_;
  std::vector<Seen> seen_;
  bool finished_ = false;

  std::vector<std::uint8_t> header_;
  bool in_payload_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t position_ = 0;
  std::array<std::uint8_t, 4> key_{};

  std::string control_;
  std::string message_;
  bool in_message_ = false;
  bool is_text_ = false;
  bool compressed_ = false;
  ReferenceUtf8 text_;
  Deflation deflation_;
  ReferenceInflater inflater_;
};

/// next() fed piece by piece, each in an allocation of its own size. Stops the process when an
/// event breaks what message_reader.h promises of memory.
class RealReader {
 public:
  /// `share`: bytes that may be inflated before the reader has to pause; 0: any number.
  RealReader(Role role, std::uint64_t limit, Deflation deflation = {}, std::size_t share = 0)
      : share_(share),
        context_{.pool = pool_,
                 .message_size = limit,
                 .role = role,
                 .inflaters = deflation.on ? &inflaters_ : nullptr,
                 .takeover = deflation.takeover,
                 .inflation_left = share > 0 ? &left_ : nullptr} {}
  RealReader(const RealReader&) = delete;
  RealReader& operator=(const RealReader&) = delete;
  ~RealReader() {
    discard(state_, pool_, &inflaters_);
    PEAL_CHECK(state_ == ReaderState{});
    PEAL_CHECK(pool_.bytes_out() == 0);
    PEAL_CHECK(inflaters_.out() == 0);
  }

  /// Payload of which so much is missing is written where it belongs, from now on.
  void go_direct(std::size_t least) { direct_from_ = least; }
  void set_limit(std::uint64_t limit) { context_.message_size = limit; }
  /// What can be is read by echo() from now on, so many messages at once.
  void echo_runs(std::size_t messages) { echoed_at_once_ = messages; }

  void feed(std::string_view octets) {
    feed_direct(octets);
    const Bytes bytes = as_bytes(octets);
    std::vector<std::byte> piece(bytes.begin(), bytes.end());
    MutableBytes input = piece;
    while (!finished_) {
      feed_echo(input);
      const std::byte* const before = input.data();
      const Event event = next(state_, input, context_);
      if (event.kind == Event::Kind::paused) {
        PEAL_CHECK(left_ == 0);
        left_ = share_;
        continue;
      }
      if (event.kind == Event::Kind::none) {
        PEAL_CHECK(input.empty());
        break;
      }
      take(event, before);
    }
  }
  const std::vector<Seen>& seen() const { return seen_; }
  /// The reason of the failure, if there was one.
  std::string_view reason() const { return reason_; }
  const ReaderState& state() const { return state_; }
  const BlockPool& pool() const { return pool_; }
  std::size_t blocks_seen() const { return blocks_seen_; }

 private:
  void feed_direct(std::string_view& octets) {
    while (!finished_ && !octets.empty() && awaits_payload(state_, direct_from_, context_)) {
      const MutableBytes room = room_for_payload(state_, context_);
      PEAL_CHECK(!room.empty());
      const Bytes piece = as_bytes(octets.substr(0, room.size()));
      std::ranges::copy(piece, room.begin());
      octets.remove_prefix(piece.size());
      if (const char* wrong = take_payload(state_, piece.size()))
        take({.kind = Event::Kind::failure, .code = CloseCode::invalid_payload, .reason = wrong},
             nullptr);
    }
  }

  /// Takes what echo() takes, and reads that as a client would.
  void feed_echo(MutableBytes& input) {
    while (echoed_at_once_ > 0 && state_.between_messages()) {
      const std::byte* const before = input.data();
      const Echo run = echo(input, {.message_size = context_.message_size,
                                    .messages = echoed_at_once_,
                                    .bytes = input.size()});
      PEAL_CHECK(run.messages <= echoed_at_once_);
      if (run.messages == 0) {
        PEAL_CHECK(run.frames.empty() && input.data() == before);
        return;
      }
      PEAL_CHECK(run.frames.data() == before);
      PEAL_CHECK(run.frames.data() + run.frames.size() + 4 * run.messages == input.data());
      RealReader client(Role::client, context_.message_size);
      client.feed(as_text(run.frames));
      PEAL_CHECK(client.seen().size() == run.messages);
      std::ranges::copy(client.seen(), std::back_inserter(seen_));
    }
  }

  void take(const Event& event, const std::byte* before) {
    finished_ = event.kind == Event::Kind::close || event.kind == Event::Kind::failure;
    if (event.kind == Event::Kind::failure) reason_ = event.reason;
    seen_.push_back({event.kind, event.opcode, event.code, std::string(as_text(event.payload))});
    if (event.kind == Event::Kind::failure) return;
    if (event.kind == Event::Kind::message && !context_.takeover) PEAL_CHECK(inflaters_.out() == 0);
    if (event.block) {
      ++blocks_seen_;
      PEAL_CHECK(event.payload.data() >= event.block->data() + kMaxServerHeader);
      PEAL_CHECK(event.payload.data() + event.payload.size() <=
                 event.block->data() + event.block->capacity);
      pool_.give(event.block);
    } else {
      // An answer fits in front of the payload without touching what was there before the frame.
      const std::byte* const frame = write_server_header_before(event.payload.data(), Opcode::pong,
                                                                true, event.payload.size());
      PEAL_CHECK(frame >= before + (context_.role == Role::server ? 4 : 0));
    }
  }

  BlockPool pool_{0};
  InflaterPool inflaters_;
  ReaderState state_;
  const std::size_t share_;
  std::size_t left_ = share_;
  std::size_t direct_from_ = SIZE_MAX;
  std::size_t echoed_at_once_ = 0;
  ReaderContext context_;
  std::vector<Seen> seen_;
  std::string_view reason_;
  bool finished_ = false;
  std::size_t blocks_seen_ = 0;
};

}  // namespace peal::ws::test
