// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace peal::bench {

/// The least a server can do: sends back what comes, byte for byte, with no idea of what it is.
/// io_uring as peal uses it (multishot receive, provided buffers, DEFER_TASKRUN, one
/// submission a turn), in as few lines as that takes. Never returns.
void serve_tcp_floor(int listener);

/// The same for a broadcast: whenever anybody sends anything, everybody is sent `size` bytes.
void serve_tcp_fanout_floor(int listener, std::size_t size);

}  // namespace peal::bench
