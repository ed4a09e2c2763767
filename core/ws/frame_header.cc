// SPDX-License-Identifier: Apache-2.0
#include "core/ws/frame_header.h"

#include <algorithm>

namespace peal::ws {
namespace {

std::byte* write_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                        unsigned masked) {
  const auto put = [&to](unsigned octet) { *to++ = static_cast<std::byte>(octet); };
  put((fin ? wire::kFin : 0) | static_cast<unsigned>(opcode));
  if (payload_size < wire::kLength16) {
    put(masked | static_cast<unsigned>(payload_size));
    return to;
  }
  if (payload_size < 0x10000) {
    put(masked | wire::kLength16);
    store_be(to, static_cast<std::uint16_t>(payload_size));
    return to + 2;
  }
  put(masked | wire::kLength64);
  store_be(to, payload_size);
  return to + 8;
}

}  // namespace

const std::byte* wire::complete(Bytes octets, Role role, Room& room) {
  room.fill(std::byte{0xff});
  room[1] = static_cast<std::byte>(role == Role::server ? kMasked : 0);
  room[2] = std::byte{0x7f};
  std::ranges::copy(octets, room.begin());
  return room.data();
}

std::byte* write_server_header_before(std::byte* payload, Opcode opcode, bool fin,
                                      std::uint64_t payload_size) {
  std::byte* const frame = payload - server_header_size(payload_size);
  write_header(frame, opcode, fin, payload_size, 0);
  return frame;
}

std::byte* write_client_header(std::byte* to, Opcode opcode, bool fin, std::uint64_t payload_size,
                               std::uint32_t key) {
  std::byte* const key_at = write_header(to, opcode, fin, payload_size, wire::kMasked);
  std::memcpy(key_at, &key, sizeof key);
  return key_at + sizeof key;
}

}  // namespace peal::ws
