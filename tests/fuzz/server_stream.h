// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::fuzz {

/// All that a server says to one client, held to the RFCs: HTTP answers, after a 101 the frames of
/// a WebSocket, and after the head of an event stream its lines. What is wrong stops the process,
/// by PEAL_CHECK. It shares no code with the server but the digest of the opening handshake.
///
/// Owner: a test; `asked`, all that the client has written, outlives it and may grow.
class ServerStream {
 public:
  explicit ServerStream(const std::string& asked) : asked_(asked) {}

  /// Octets from the server, in any pieces.
  void take(std::string_view octets);

  /// Nothing is said by half: the server may end here.
  bool complete() const { return rest_.empty() || rest_ == awaits_body_; }
  bool upgraded() const { return upgraded_; }

  int answers = 0;  ///< complete ones, a 101 included
  std::vector<std::string> messages;
  std::vector<std::string> pings;
  std::optional<std::uint16_t> close_code;

 private:
  bool take_answer();
  bool take_frame();
  bool take_line();
  void take_payload(unsigned opcode, bool deflated, std::string_view payload);

  const std::string& asked_;
  std::string rest_;         // not taken yet
  std::string awaits_body_;  // a head alone: all there is if it answers a HEAD
  bool upgraded_ = false;
  bool streams_ = false;
  bool may_deflate_ = false;
};

}  // namespace peal::fuzz
