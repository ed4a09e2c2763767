// SPDX-License-Identifier: Apache-2.0
#include "loadtest/event_reader.h"

#include <algorithm>
#include <utility>

namespace peal::loadtest {
namespace {

constexpr std::size_t kLongName = 8;   // characters; no field that matters has as many
constexpr std::size_t kLongType = 16;  // the same

}  // namespace

void EventReader::read(Bytes input, MessageSink& sink) {
  while (!input.empty()) {
    if (state_ == State::data) {
      const auto end = std::ranges::find(input, std::byte{'\n'});
      const auto size = static_cast<std::size_t>(end - input.begin());
      take_data(input.first(size), sink);
      input = input.subspan(size);
      if (input.empty()) return;
    }
    const char c = static_cast<char>(input.front());
    if (state_ == State::space && c != '\n') {
      begin_value();
      if (c == ' ') input = input.subspan(1);
      continue;
    }
    input = input.subspan(1);
    if (c == '\n')
      end_line(sink);
    else if (state_ == State::name && c == ':')
      state_ = name_.empty() ? State::skip : State::space;
    else if (state_ == State::name && c != '\r')
      name_.size() < kLongName ? void(name_ += c) : void(state_ = State::skip);
    else if (state_ == State::type && c != '\r' && type_.size() < kLongType)
      type_ += c;
  }
}

/// After the colon and the blank that may follow it.
void EventReader::begin_value() {
  state_ = name_ == "data" ? State::data : name_ == "event" ? State::type : State::skip;
  if (state_ == State::type) type_.clear();
}

void EventReader::end_line(MessageSink& sink) {
  const bool is_data = state_ == State::data || (name_ == "data" && state_ != State::skip);
  const bool is_blank = state_ == State::name && name_.empty();
  if (is_data) has_data_ = true;
  line_has_cr_ = false;
  name_.clear();
  state_ = State::name;
  if (!is_blank) return;
  if (std::exchange(has_data_, false)) hand_on({}, true, sink);
  type_.clear();
}

void EventReader::take_data(Bytes piece, MessageSink& sink) {
  constexpr std::string_view kReturn = "\r";
  constexpr std::string_view kLineEnd = "\n";
  if (std::exchange(has_data_, false)) hand_on(as_bytes(kLineEnd), false, sink);
  if (piece.empty()) return;
  if (std::exchange(line_has_cr_, false)) hand_on(as_bytes(kReturn), false, sink);
  line_has_cr_ = piece.back() == std::byte{'\r'};
  if (line_has_cr_) piece = piece.first(piece.size() - 1);
  hand_on(piece, false, sink);
}

void EventReader::hand_on(Bytes piece, bool last, MessageSink& sink) {
  if (type_.empty() || type_ == "message") {
    const Piece whole{piece, offset_, last, ws::Opcode::text};
    offset_ += piece.size();
    if (last || !piece.empty()) sink.on_piece(whole);
  }
  if (last) offset_ = 0;
}

}  // namespace peal::loadtest
