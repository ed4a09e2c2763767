// SPDX-License-Identifier: Apache-2.0
// The octets in front of a payload, RFC 6455 section 5.2.
#pragma once

#include <cstddef>
#include <cstdint>

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
};

/// Reads the header at the front of `octets`, strictly: no reserved bits or opcodes, masked as
/// `role` demands, lengths in their shortest form, control frames final and at most 125 bytes, a
/// close payload of 0 or at least 2 bytes. An error shows as soon as its octet is there, even in a
/// header that is not complete. Requires: at least one octet. Only `error` counts when it is set,
/// and only `size` when that is 0.
FrameHeader decode_header(Bytes octets, Role role);

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

/// Writes a client's header to `to`; returns where the payload, masked with `key` by unmask(),
/// follows. Requires: client_header_size(payload_size) writable bytes.
std::byte* write_client_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                               std::uint32_t key);

}  // namespace peal::ws
