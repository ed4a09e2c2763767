// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "loadtest/message_sink.h"

namespace peal::loadtest {

/// Reads an event stream (WHATWG HTML, section 9.2.6): the data of each event of type "message" is
/// a message, handed on in pieces; other events, ids and comments are skipped. Lines end with LF or
/// CR LF. An event whose type comes after its data counts as a message.
///
/// Owner: a connection. Thread: the worker's. Errors: none, as the format has none.
class EventReader {
 public:
  void read(Bytes input, MessageSink& sink);

 private:
  enum class State : std::uint8_t { name, space, data, type, skip };

  void end_line(MessageSink& sink);
  void begin_value();
  void take_data(Bytes piece, MessageSink& sink);
  void hand_on(Bytes piece, bool last, MessageSink& sink);

  State state_ = State::name;
  bool has_data_ = false;     // of the event so far
  bool line_has_cr_ = false;  // the octet before was a CR, and is not handed on yet
  std::uint64_t offset_ = 0;  // of the message
  std::string name_;          // of the field so far; at most kLongName
  std::string type_;          // of the event
};

}  // namespace peal::loadtest
