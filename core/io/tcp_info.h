// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::io {

/// What has become of the bytes that a socket's kernel has taken (tcp(7), TCP_INFO). Tells a slow
/// reader from one that is gone while a send is under way, and after it.
struct Acknowledged {
  /// That the peer has acknowledged so far. Of a Unix socket, where nobody counts them, what it has
  /// not read yet (SIOCOUTQ), negated: that, too, is another number when it reads.
  std::uint64_t bytes = 0;
  bool all = true;  ///< there are no others
};

/// Nothing, and all of it, when `fd` is no socket of either kind.
Acknowledged acknowledged(int fd);

}  // namespace peal::io
