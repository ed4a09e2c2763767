// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::hub {

/// Names a message of a topic, or the place in its order after it. The text is "EPOCH-OFFSET": the
/// epoch in 16 hexadecimal digits, the offset in decimal.
struct MessageId {
  std::uint64_t epoch = 0;   ///< of this process; another one has kept nothing we know of
  std::uint64_t offset = 0;  ///< 1 for the first message of a topic; 0 is before it

  friend bool operator==(const MessageId&, const MessageId&) = default;
};

constexpr std::size_t kMaxMessageIdText = 16 + 1 + 20;  // characters

/// Writes the text of `id` to `to`, which has room for kMaxMessageIdText; returns its end.
char* write_message_id(char* to, MessageId id);
std::string message_id_text(MessageId id);

/// Where a subscriber of several topics is: "EPOCH-OFFSET.OFFSET...", in the order of its topics.
struct Position {
  std::uint64_t epoch = 0;
  std::vector<std::uint64_t> offsets;  ///< one at least
};

/// Nullopt when `text` is neither a message's id nor a position. Limits: `most` offsets.
std::optional<Position> parse_position(std::string_view text, std::size_t most);

/// The epoch of this process, drawn at random when first asked for. A test that must repeat itself
/// sets it before any hub is made.
std::uint64_t& process_epoch();

}  // namespace peal::hub
