// SPDX-License-Identifier: Apache-2.0
#include "core/ws/echo.h"

#include <cstring>

#include "core/base/utf8.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"

namespace peal::ws {
namespace {

/// Whether a frame at the front of `input` is a message that may be sent back.
bool is_message(const FrameHeader& header, Bytes input, const EchoLimits& limits) {
  const bool data = header.opcode == Opcode::text || header.opcode == Opcode::binary;
  return !header.error && header.size > 0 && data && header.fin &&
         header.payload_size <= input.size() - header.size &&
         header.payload_size <= limits.message_size;
}

/// Writes the frame of a server to `to`, with the payload of one at the front of `from`, which lies
/// behind. Null when that is not the text it claims to be: then nothing has changed.
std::byte* turn_round(std::byte* to, MutableBytes from, const FrameHeader& header) {
  const MutableBytes source = from.subspan(header.size, header.payload_size);
  std::byte* const payload = to + server_header_size(source.size());
  const bool ascii = unmask_copy(payload, source, header.key);
  if (header.opcode == Opcode::text && !ascii && !is_utf8({payload, source.size()})) {
    std::memmove(source.data(), payload, source.size());
    unmask(source, header.key);
    write_client_header(from.data(), header.opcode, true, source.size(), header.key);
    return nullptr;
  }
  write_server_header_before(payload, header.opcode, true, source.size());
  return payload + source.size();
}

}  // namespace

Echo echo(MutableBytes& input, const EchoLimits& limits) {
  Echo echo{.frames = input.first(0)};
  std::byte* const begin = input.data();
  std::byte* end = begin;
  while (!input.empty() && echo.messages < limits.messages && echo.frames.size() < limits.bytes) {
    const FrameHeader header = decode_header(input, Role::server);
    if (!is_message(header, input, limits)) break;
    std::byte* const next = turn_round(end, input, header);
    if (!next) break;
    end = next;
    echo.frames = {begin, end};
    ++echo.messages;
    input = input.subspan(header.size + header.payload_size);
  }
  return echo;
}

}  // namespace peal::ws
