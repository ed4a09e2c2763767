// SPDX-License-Identifier: Apache-2.0
// The octets in front of a payload, RFC 6455 section 5.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/bytes.h"
#include "core/ws/protocol.h"

namespace peal::ws {

struct FrameHeader {
  const char* error = nullptr;     ///< what the peer did wrong, a static string; null when nothing
  std::uint64_t payload_size = 0;  ///< bytes, below 2^63
  std::uint32_t key = 0;           ///< as it lay in memory, for unmask(); 0 when not masked
  std::uint8_t size = 0;           ///< of the header itself; 0 while octets of it are missing
  Opcode opcode = Opcode::continuation;
  bool fin = false;
  bool compressed = false;  ///< RSV1 (RFC 7692 section 6): begins a compressed message
};

/// Reads the header at the front of `octets`, strictly: no reserved bits or opcodes, but for RSV1
/// on the first frame of a message where permessage-deflate is agreed (`deflate`), masked as
/// `role` demands, lengths in their shortest form, control frames final and at most 125 bytes, a
/// close payload of 0 or at least 2 bytes. An error shows as soon as its octet is there, even in a
/// header that is not complete. Requires: at least one octet. Only `error` counts when it is set,
/// and only `size` when that is 0.
inline FrameHeader decode_header(Bytes octets, Role role, bool deflate = false);

/// Bytes of the header a server puts in front of a payload: 2, 4 or 10.
constexpr std::size_t server_header_size(std::uint64_t payload_size) {
  return payload_size < 126 ? 2 : payload_size < 0x10000 ? 4 : 10;
}

/// The same for a client: 6, 8 or 14.
constexpr std::size_t client_header_size(std::uint64_t payload_size) {
  return server_header_size(payload_size) + 4;
}

/// Writes a server's header so that it ends where `payload` begins; returns where the frame begins.
/// Requires: server_header_size(payload_size) writable bytes in front of `payload`.
std::byte* write_server_header_before(std::byte* payload, Opcode opcode, bool fin,
                                      std::uint64_t payload_size);

/// Marks a frame, which begins with its header, as the first one of a compressed message.
inline void set_compressed(std::byte* frame);

/// Writes a client's header to `to`; returns where the payload, masked with `key` by unmask(),
/// follows. Requires: client_header_size(payload_size) writable bytes.
std::byte* write_client_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                               std::uint32_t key);

namespace wire {

constexpr unsigned kFin = 0x80;     // of the first octet
constexpr unsigned kRsv = 0x70;     // of the first octet
constexpr unsigned kRsv1 = 0x40;    // of the first octet
constexpr unsigned kMasked = 0x80;  // of the second octet
constexpr unsigned kLength16 = 126;
constexpr unsigned kLength64 = 127;
constexpr unsigned kKnownOpcodes = 0b0000'0111'0000'0111;  // a bit for each value

using Room = std::array<std::byte, kMaxClientHeader>;

/// `octets` with what is missing of a header taken to be as harmless as it can be: whatever is
/// refused then is refused for an octet that is there.
const std::byte* complete(Bytes octets, Role role, Room& room);

/// Whether a first octet with reserved bits says what it may: RSV1, alone, where a message begins.
inline bool begins_compressed(unsigned first) {
  const auto opcode = static_cast<Opcode>(first & 0x0f);
  return (first & kRsv) == kRsv1 && (opcode == Opcode::text || opcode == Opcode::binary);
}

}  // namespace wire

inline void set_compressed(std::byte* frame) {
  *frame |= std::byte{wire::kRsv1};
}

// Always inline: where it is called a header never leaves the registers, worth 10 ns a message.
[[gnu::always_inline]] inline FrameHeader decode_header(Bytes octets, Role role, bool deflate) {
  wire::Room room;
  const std::byte* const at =
      octets.size() >= room.size() ? octets.data() : wire::complete(octets, role, room);
  const auto first = std::to_integer<unsigned>(at[0]);
  const auto second = std::to_integer<unsigned>(at[1]);
  const bool fin = first & wire::kFin;
  const auto opcode = static_cast<Opcode>(first & 0x0f);
  const bool compressed = first & wire::kRsv;
  if (compressed && !(deflate && wire::begins_compressed(first)))
    return {.error = "a reserved bit is set"};
  if (!(wire::kKnownOpcodes >> (first & 0x0f) & 1)) return {.error = "the opcode is reserved"};
  if (is_control(opcode) && !fin) return {.error = "a control frame is fragmented"};

  const bool masked = second & wire::kMasked;
  if (masked != (role == Role::server))
    return {.error = masked ? "a server's frame is masked" : "a client's frame is not masked"};
  std::uint64_t length = second & ~wire::kMasked;
  if (is_control(opcode) && length > kMaxControlPayload)
    return {.error = "a control frame is longer than 125 bytes"};
  if (opcode == Opcode::close && length == 1) return {.error = "a close frame has half a code"};

  std::size_t size = 2;
  if (length == wire::kLength16) {
    length = load_be<std::uint16_t>(at + 2);
    size = 4;
    if (length < wire::kLength16) return {.error = "a length has a longer form than it needs"};
  } else if (length == wire::kLength64) {
    length = load_be<std::uint64_t>(at + 2);
    size = 10;
    if (length >> 63) return {.error = "a length is above 2^63"};
    if (length < 0x10000) return {.error = "a length has a longer form than it needs"};
  }

  std::uint32_t key = 0;
  if (masked) {
    std::memcpy(&key, at + size, sizeof key);
    size += sizeof key;
  }
  if (size > octets.size()) size = 0;
  return {nullptr, length, key, static_cast<std::uint8_t>(size), opcode, fin, compressed};
}

}  // namespace peal::ws
