// SPDX-License-Identifier: Apache-2.0
// Messages sent back as they came, without a look at each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace peal::ws {

/// How much one call of echo() takes.
struct EchoLimits {
  std::uint64_t message_size;  ///< bytes, of one message
  std::size_t messages;        ///< the most
  std::size_t bytes;           ///< of frames, that the last message may go beyond
};

struct Echo {
  MutableBytes frames;         ///< a server's, one behind the other
  std::uint32_t messages = 0;  ///< in them
};

/// Makes the messages at the front of a client's `input` a server's, in place, and advances `input`
/// past them. Stops before whatever is not a message in one frame that is there as a whole, is
/// compressed, above the limits, or against RFC 6455: that is left as it came, for next().
///
/// The frames of a server are shorter by the key (section 5.1), so each is moved up to the one
/// before, and a run of them leaves in one piece. Requires: `input` begins between messages.
Echo echo(MutableBytes& input, const EchoLimits& limits);

}  // namespace peal::ws
