// SPDX-License-Identifier: Apache-2.0
#include "core/ws/close_frame.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/ws/frame_header.h"

namespace peal::ws {
namespace {

/// The longest beginning of `text` that fits into `size` bytes and ends between two characters.
std::string_view cut(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  const auto inside_character = [text](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  while (size > 0 && inside_character(size)) --size;
  return text.substr(0, size);
}

}  // namespace

MutableBytes write_close_payload(std::span<std::byte, kMaxControlPayload> to, CloseCode code,
                                 std::string_view reason) {
  if (code == CloseCode::no_status) return to.first(0);
  const auto number = static_cast<std::uint16_t>(code);
  PEAL_DCHECK(is_valid_close_code_on_wire(number));
  store_be(to.data(), number);
  const Bytes text = as_bytes(cut(reason, kMaxCloseReason));
  std::ranges::copy(text, to.begin() + sizeof number);
  return to.first(sizeof number + text.size());
}

MutableBytes write_close(std::span<std::byte, kMaxCloseFrame> to, CloseCode code,
                         std::string_view reason) {
  const auto payload =
      write_close_payload(to.subspan<kMaxCloseFrame - kMaxControlPayload>(), code, reason);
  write_server_header_before(payload.data(), Opcode::close, true, payload.size());
  return to.first(kMaxCloseFrame - kMaxControlPayload + payload.size());
}

}  // namespace peal::ws
