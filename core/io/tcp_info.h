// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::io {

/// How many of the bytes that a socket's kernel has taken the peer has acknowledged so far (tcp(7),
/// TCP_INFO): tells a slow reader from one that is gone while a send is under way, and after it. Of
/// a Unix socket, where nobody counts them, what the peer has not read yet (SIOCOUTQ), negated:
/// that, too, is another number when it reads. 0 when `fd` is no socket of either kind.
std::uint64_t acknowledged(int fd);

}  // namespace peal::io
