// SPDX-License-Identifier: Apache-2.0
#include "loadtest/frame_reader.h"

#include <algorithm>
#include <utility>

#include "core/ws/frame_header.h"

namespace peal::loadtest {

void FrameReader::set_deflate(bool on, bool takeover, std::uint8_t window_bits) {
  deflate_ = on;
  takeover_ = takeover;
  window_bits_ = window_bits;
}

void FrameReader::end(const FrameContext& context) {
  if (context.inflaters) context.inflaters->give(std::exchange(inflater_, nullptr));
}

const char* FrameReader::read(Bytes input, const FrameContext& context, MessageSink& sink) {
  while (!input.empty() || (in_frame_ && frame_left_ == 0)) {
    if (!in_frame_) {
      if (const char* error = begin_frame(input)) return error;
      if (!in_frame_) return nullptr;
    }
    if (input.empty() && frame_left_ > 0) return nullptr;
    if (const char* error = take_payload(input, context, sink)) return error;
  }
  return nullptr;
}

/// Takes a header off the front of `input`, or what there is of one.
const char* FrameReader::begin_frame(Bytes& input) {
  ws::FrameHeader header;
  if (held_size_ == 0) {
    header = ws::decode_header(input, ws::Role::client, deflate_);
  } else {
    const std::size_t more = std::min(ws::kMaxServerHeader - held_size_, input.size());
    std::ranges::copy(input.first(more), held_.begin() + held_size_);
    header = ws::decode_header(Bytes(held_).first(held_size_ + more), ws::Role::client, deflate_);
  }
  if (header.error) return header.error;
  if (header.size == 0) {
    if (held_size_ == 0) std::ranges::copy(input, held_.begin());
    held_size_ = static_cast<std::uint8_t>(held_size_ + input.size());
    input = {};
    return nullptr;
  }
  input = input.subspan(header.size - std::exchange(held_size_, 0));
  in_frame_ = true;
  frame_opcode_ = header.opcode;
  frame_left_ = header.payload_size;
  if (ws::is_control(header.opcode)) return nullptr;
  fin_ = header.fin;
  const bool continues = header.opcode == ws::Opcode::continuation;
  if (continues != (message_opcode_ != ws::Opcode::continuation))
    return continues ? "a continuation without a beginning" : "a message inside a message";
  if (!continues) {
    message_opcode_ = header.opcode;
    compressed_ = header.compressed;
    offset_ = 0;
  }
  return nullptr;
}

const char* FrameReader::take_payload(Bytes& input, const FrameContext& context,
                                      MessageSink& sink) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(frame_left_, input.size()));
  const Bytes piece = input.first(size);
  input = input.subspan(size);
  frame_left_ -= size;
  const bool ends = frame_left_ == 0;
  in_frame_ = !ends;
  if (ws::is_control(frame_opcode_)) {
    take_control(piece, sink);
    return nullptr;
  }
  const bool last = ends && fin_;
  const bool whole = last && offset_ == 0 && !inflater_;
  if (compressed_ && whole && !takeover_ && context.last)
    return inflate_whole(piece, context, sink);
  if (compressed_) return inflate(piece, last, context, sink);
  hand_on(piece, last, sink);
  return nullptr;
}

void FrameReader::take_control(Bytes piece, MessageSink& sink) {
  std::ranges::copy(piece, held_.begin() + held_size_);
  held_size_ = static_cast<std::uint8_t>(held_size_ + piece.size());
  if (in_frame_) return;
  const Bytes payload = Bytes(held_).first(std::exchange(held_size_, 0));
  if (frame_opcode_ == ws::Opcode::ping) return sink.on_ping(payload);
  if (frame_opcode_ != ws::Opcode::close) return;
  if (payload.empty()) return sink.on_close(ws::CloseCode::no_status, {});
  sink.on_close(static_cast<ws::CloseCode>(load_be<std::uint16_t>(payload.data())),
                as_text(payload.subspan(2)));
}

/// A message that came in one piece and refers to none before it.
const char* FrameReader::inflate_whole(Bytes packed, const FrameContext& context,
                                       MessageSink& sink) {
  Inflated& last = *context.last;
  if (!std::ranges::equal(packed, last.packed)) {
    class Gather final : public MessageSink {
     public:
      Gather(std::vector<std::byte>& to, MessageSink& on) : to_(to), on_(on) {}
      void on_piece(const Piece& piece) override {
        if (to_.size() + piece.bytes.size() <= Inflated::kMost)
          to_.insert(to_.end(), piece.bytes.begin(), piece.bytes.end());
        on_.on_piece(piece);
      }
      void on_ping(Bytes) override {}
      void on_close(ws::CloseCode, std::string_view) override {}

     private:
      std::vector<std::byte>& to_;
      MessageSink& on_;
    };
    last.packed.clear();
    last.plain.clear();
    Gather gather(last.plain, sink);
    if (const char* error = inflate(packed, true, context, gather)) return error;
    if (offset_ == last.plain.size())
      last.packed.assign(packed.begin(), packed.end());
    else
      last.plain.clear();  // too large
    return nullptr;
  }
  hand_on(last.plain, true, sink);
  return nullptr;
}

const char* FrameReader::inflate(Bytes piece, bool last, const FrameContext& context,
                                 MessageSink& sink) {
  constexpr const char* kCorrupt = "a compressed message is corrupt";
  if (!inflater_) inflater_ = context.inflaters->take(window_bits_);
  const auto take = [&](Bytes input) {
    while (true) {
      const auto [outcome, size] = inflater_->inflate(input, context.inflated);
      if (outcome == ws::Inflater::Outcome::corrupt) return false;
      if (size > 0) hand_on(Bytes(context.inflated).first(size), false, sink);
      if (outcome == ws::Inflater::Outcome::drained) return true;
    }
  };
  if (!piece.empty() && !take(piece)) return kCorrupt;
  if (!last) return nullptr;
  const Bytes tail = inflater_->tail();
  if (!tail.empty() && !take(tail)) return kCorrupt;
  if (!inflater_->end_message()) return kCorrupt;
  if (!takeover_) end(context);
  hand_on({}, true, sink);
  return nullptr;
}

void FrameReader::hand_on(Bytes piece, bool last, MessageSink& sink) {
  const Piece whole{piece, offset_, last, message_opcode_};
  offset_ += piece.size();
  if (last) message_opcode_ = ws::Opcode::continuation;
  if (last || !piece.empty()) sink.on_piece(whole);
}

}  // namespace peal::loadtest
