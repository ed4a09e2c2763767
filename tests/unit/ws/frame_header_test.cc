// SPDX-License-Identifier: Apache-2.0
#include "core/ws/frame_header.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>

#include "tests/unit/ws/frames.h"

namespace peal::ws::frame_header_test {

using namespace test;

namespace {

constexpr std::uint64_t kSizes[] = {
    0, 1, 125, 126, 127, 65535, 65536, 0xffffffffff, 0x7fffffffffffffff};

FrameHeader decode(const std::string& octets, Role role = Role::server) {
  return decode_header(as_bytes(octets), role);
}

}  // namespace

TEST_CASE("decode_header: what a client sends (RFC 6455 section 5.2)") {
  for (std::uint64_t size : kSizes) {
    const std::string octets =
        header(kFinal | 0x2, size, true, length_octets_for(size)) + "\1\2\3\4";
    for (const char* behind : {"", "payload and more"}) {
      const FrameHeader header = decode(octets + behind);
      CHECK(header.error == nullptr);
      CHECK(header.size == octets.size());
      CHECK(header.payload_size == size);
      CHECK(header.opcode == Opcode::binary);
      CHECK(header.fin);
      CHECK(header.key == 0x04030201);
    }
    for (std::size_t cut = 1; cut < octets.size(); ++cut) {
      const FrameHeader header = decode(octets.substr(0, cut));
      CHECK(header.error == nullptr);
      CHECK(header.size == 0);
    }
  }
}

TEST_CASE("decode_header: what a server sends (RFC 6455 section 5.2)") {
  for (std::uint64_t size : kSizes) {
    const std::string octets = header(0x1, size, false, length_octets_for(size));
    const FrameHeader header = decode(octets, Role::client);
    CHECK(header.error == nullptr);
    CHECK(header.size == octets.size());
    CHECK(header.payload_size == size);
    CHECK(header.opcode == Opcode::text);
    CHECK_FALSE(header.fin);
    CHECK(header.key == 0);
    for (std::size_t cut = 1; cut < octets.size(); ++cut)
      CHECK(decode(octets.substr(0, cut), Role::client).size == 0);
  }
}

TEST_CASE("decode_header: the error is that of the first wrong octet, complete or not") {
  const std::string wrong = header(0xff, 3, false, 8);
  CHECK(std::string(decode(wrong).error) == decode(wrong.substr(0, 1)).error);
  CHECK(std::string(decode("\x81\x7e").error) == decode("\x81\x05").error);
}

TEST_CASE("write_server_header_before: reads back, and ends where the payload begins") {
  for (std::uint64_t size : kSizes)
    for (Opcode opcode : {Opcode::continuation, Opcode::text, Opcode::pong}) {
      if (is_control(opcode) && size > kMaxControlPayload) continue;
      std::array<std::byte, kMaxServerHeader + 1> room{};
      std::byte* const payload = room.data() + kMaxServerHeader;
      const std::byte* const frame = write_server_header_before(payload, opcode, true, size);
      CHECK(payload - frame == server_header_size(size));
      CHECK(room.back() == std::byte{0});
      const std::string expected =
          header(kFinal | static_cast<unsigned>(opcode), size, false, length_octets_for(size));
      CHECK(as_text({frame, payload}) == expected);
    }
}

TEST_CASE("write_client_header: reads back with its key") {
  for (std::uint64_t size : kSizes) {
    std::array<std::byte, kMaxClientHeader> room{};
    const std::byte* const end =
        write_client_header(room.data(), Opcode::text, false, size, 0x04030201);
    CHECK(end - room.data() == client_header_size(size));
    CHECK(as_text({room.data(), end}) ==
          header(0x1, size, true, length_octets_for(size)) + "\1\2\3\4");
  }
}

}  // namespace peal::ws::frame_header_test
