// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::io {

/// Bytes that the peer has acknowledged so far (tcp(7), TCP_INFO); 0 when `fd` is no TCP socket.
/// Tells a slow reader from one that is gone while a send is under way.
std::uint64_t bytes_acknowledged(int fd);

}  // namespace peal::io
