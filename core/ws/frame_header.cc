// SPDX-License-Identifier: Apache-2.0
#include "core/ws/frame_header.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace peal::ws {
namespace {

constexpr unsigned kFin = 0x80;     // of the first octet
constexpr unsigned kRsv = 0x70;     // of the first octet
constexpr unsigned kMasked = 0x80;  // of the second octet
constexpr unsigned kLength16 = 126;
constexpr unsigned kLength64 = 127;

bool is_reserved(unsigned opcode) {
  return opcode > 0xa || (opcode > 0x2 && opcode < 0x8);
}

FrameHeader refused(const char* error) {
  return {.error = error};
}

/// Reads a header of which every octet is there. Errors come in the order of their octets.
FrameHeader decode_whole(const std::byte* octets, Role role) {
  const auto first = std::to_integer<unsigned>(octets[0]);
  const auto second = std::to_integer<unsigned>(octets[1]);
  const bool fin = first & kFin;
  const auto opcode = static_cast<Opcode>(first & 0x0f);
  if (first & kRsv) return refused("a reserved bit is set");
  if (is_reserved(first & 0x0f)) return refused("the opcode is reserved");
  if (is_control(opcode) && !fin) return refused("a control frame is fragmented");

  const bool masked = second & kMasked;
  if (masked != (role == Role::server))
    return refused(masked ? "a server's frame is masked" : "a client's frame is not masked");
  std::uint64_t length = second & ~kMasked;
  if (is_control(opcode) && length > kMaxControlPayload)
    return refused("a control frame is longer than 125 bytes");
  if (opcode == Opcode::close && length == 1) return refused("a close frame has half a code");

  std::size_t size = 2;
  if (length >= kLength16) {
    const bool is_64 = length == kLength64;
    length = is_64 ? load_be<std::uint64_t>(octets + size) : load_be<std::uint16_t>(octets + size);
    size += is_64 ? 8 : 2;
    if (length >> 63) return refused("a length is above 2^63");
    if (length < (is_64 ? 0x10000 : kLength16))
      return refused("a length has a longer form than it needs");
  }

  std::uint32_t key = 0;
  if (masked) {
    std::memcpy(&key, octets + size, sizeof key);
    size += sizeof key;
  }
  return {nullptr, length, key, static_cast<std::uint8_t>(size), opcode, fin};
}

std::byte* write_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                        unsigned masked) {
  const auto put = [&to](unsigned octet) { *to++ = static_cast<std::byte>(octet); };
  put((fin ? kFin : 0) | static_cast<unsigned>(opcode));
  if (payload_size < kLength16) {
    put(masked | static_cast<unsigned>(payload_size));
    return to;
  }
  if (payload_size < 0x10000) {
    put(masked | kLength16);
    store_be(to, static_cast<std::uint16_t>(payload_size));
    return to + 2;
  }
  put(masked | kLength64);
  store_be(to, payload_size);
  return to + 8;
}

}  // namespace

FrameHeader decode_header(Bytes octets, Role role) {
  if (octets.size() >= kMaxClientHeader) [[likely]]
    return decode_whole(octets.data(), role);

  // What is missing is taken to be as harmless as it can be: whatever is refused then is refused
  // for an octet that is there.
  std::array<std::byte, kMaxClientHeader> padded;
  padded.fill(std::byte{0xff});
  padded[1] = static_cast<std::byte>(role == Role::server ? kMasked : 0);
  padded[2] = std::byte{0x7f};
  std::ranges::copy(octets, padded.begin());
  FrameHeader header = decode_whole(padded.data(), role);
  if (header.size > octets.size()) header.size = 0;
  return header;
}

std::byte* write_server_header_before(std::byte* payload, Opcode opcode, bool fin,
                                      std::uint64_t payload_size) {
  std::byte* const frame = payload - server_header_size(payload_size);
  write_header(frame, opcode, fin, payload_size, 0);
  return frame;
}

std::byte* write_client_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                               std::uint32_t key) {
  std::byte* const key_at = write_header(to, opcode, fin, payload_size, kMasked);
  std::memcpy(key_at, &key, sizeof key);
  return key_at + sizeof key;
}

}  // namespace peal::ws
