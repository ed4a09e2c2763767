// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/ws/protocol.h"

namespace peal::loadtest {

/// Some octets of a message, in order.
struct Piece {
  Bytes bytes;
  std::uint64_t offset = 0;  ///< of `bytes` in the message
  bool last = false;         ///< ends the message; `bytes` may be empty
  ws::Opcode opcode = ws::Opcode::text;
};

/// Takes what a reader of one connection finds. Called only from within its read().
class MessageSink {
 public:
  virtual void on_piece(const Piece& piece) = 0;
  virtual void on_ping(Bytes payload) = 0;
  virtual void on_close(ws::CloseCode code, std::string_view reason) = 0;

 protected:
  ~MessageSink() = default;
};

}  // namespace peal::loadtest
