// SPDX-License-Identifier: Apache-2.0
// Close frames, RFC 6455 section 5.5.1.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/ws/protocol.h"

namespace peal::ws {

constexpr std::size_t kMaxCloseFrame = 2 + kMaxControlPayload;  ///< bytes, as a server sends it

/// Writes the payload of a close frame: the code, then the reason, cut at a character to what fits
/// (123 bytes). CloseCode::no_status gives an empty payload. Returns what was written.
/// Requires: `code` valid on the wire or no_status; `reason` is UTF-8.
MutableBytes write_close_payload(std::span<std::byte, kMaxControlPayload> to, CloseCode code,
                                 std::string_view reason);

/// The same as a whole server frame at the front of `to`. Returns the frame.
MutableBytes write_close(std::span<std::byte, kMaxCloseFrame> to, CloseCode code,
                         std::string_view reason);

}  // namespace peal::ws
