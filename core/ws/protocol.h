// SPDX-License-Identifier: Apache-2.0
// The numbers of RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peal::ws {

/// Whose side is reading: a server demands masked frames, a client unmasked ones (section 5.1).
enum class Role : std::uint8_t { server, client };

/// Section 5.2; the values are those on the wire.
enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

/// Control frames may come between the fragments of a message (section 5.4).
constexpr bool is_control(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode) & 0x8;
}

/// Section 7.4.1 and IANA's registry of close codes. Any other value a peer may send (3000-4999) is
/// kept as it came.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  reserved = 1004,
  no_status = 1005,  ///< never sent: the close frame had no code
  abnormal = 1006,   ///< never sent: the connection ended without a close frame
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  ///< never sent: TLS failed
};

/// Whether a close frame may carry `code` (section 7.4): 1000-1003, 1007-1014, and 3000-4999, which
/// belong to libraries and applications.
bool is_valid_close_code_on_wire(std::uint16_t code);

constexpr std::size_t kMaxControlPayload = 125;  ///< bytes, section 5.5
constexpr std::size_t kMaxCloseReason = kMaxControlPayload - 2;
constexpr std::size_t kMaxClientHeader = 14;  ///< bytes: 2, a length of 8, a masking key of 4
constexpr std::size_t kMaxServerHeader = 10;  ///< bytes: the same without a key

}  // namespace peal::ws
