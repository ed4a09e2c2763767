// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/block_pool.h"
#include "core/ws/deflate.h"
#include "core/ws/handshake.h"
#include "core/ws/message_reader.h"

namespace peal::test {

/// A WebSocket client without a socket: makes the octets to send and takes those that came.
class WsPeer {
 public:
  struct Message {
    ws::Opcode opcode;
    std::string payload;

    friend bool operator==(const Message&, const Message&) = default;
  };

  explicit WsPeer(std::uint64_t seed = 1) : random_(seed) {}
  WsPeer(const WsPeer&) = delete;
  WsPeer& operator=(const WsPeer&) = delete;
  ~WsPeer() { ws::discard(reader_, pool_, &inflaters_); }

  // To the server.
  std::string handshake(std::string_view target, std::optional<ws::DeflateOffer> offer = {});
  std::string frame(ws::Opcode opcode, std::string_view payload, bool fin = true,
                    bool compressed = false);
  /// The payload of a compressed message; with `context` it refers to those before it. Needs no
  /// answer to the offer yet, so it is for the test to know what will be agreed.
  std::string deflate(std::string_view payload, bool context = false);
  std::string text(std::string_view payload) { return frame(ws::Opcode::text, payload); }
  std::string ping(std::string_view payload) { return frame(ws::Opcode::ping, payload); }
  std::string close(std::uint16_t code, std::string_view reason = {});

  /// From the server, in any pieces.
  void take(std::string_view octets);

  bool accepted() const { return accepted_; }
  /// What was agreed; the server's answer is checked.
  const ws::DeflateAgreement& agreement() const { return agreement_; }
  /// How many of the messages came compressed.
  std::uint64_t compressed_messages() const { return compressed_messages_; }
  /// Status of the answer; 0 while it is not complete.
  int status() const { return status_; }
  /// Octets of a frame or of an answer that is not complete.
  bool mid_frame() const;

  std::vector<Message> messages;
  std::vector<std::string> pings;
  std::vector<std::string> pongs;
  std::optional<std::uint16_t> close_code;
  std::string close_reason;
  std::string error;  ///< what the server did wrong; empty when nothing

 private:
  void take_answer();
  void take_frames(std::string octets);

  std::mt19937_64 random_;
  ws::Key key_{};
  std::string answer_;
  bool accepted_ = false;
  int status_ = 0;
  BlockPool pool_{1 << 20};
  ws::InflaterPool inflaters_;
  ws::ReaderState reader_;
  std::optional<ws::DeflateOffer> offer_;
  ws::DeflateAgreement agreement_;
  std::unique_ptr<ws::Deflater> deflater_;
  std::uint64_t compressed_messages_ = 0;
};

}  // namespace peal::test
