// SPDX-License-Identifier: Apache-2.0
#include "core/hub/message_id.h"

#include <sys/random.h>

#include <charconv>

#include "core/base/check.h"

namespace peal::hub {
namespace {

constexpr std::size_t kEpochDigits = 16;

/// Takes a number of that base off the front of `text`; nullopt when none begins there.
std::optional<std::uint64_t> take_number(std::string_view& text, int base) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (failure != std::errc{} || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

char* write_message_id(char* to, MessageId id) {
  for (std::size_t i = kEpochDigits; i-- > 0;) *to++ = "0123456789abcdef"[id.epoch >> 4 * i & 15];
  *to++ = '-';
  return std::to_chars(to, to + 20, id.offset).ptr;
}

std::string message_id_text(MessageId id) {
  char text[kMaxMessageIdText];
  return {text, write_message_id(text, id)};
}

std::optional<Position> parse_position(std::string_view text, std::size_t most) {
  if (text.size() < kEpochDigits + 2 || text[kEpochDigits] != '-') return std::nullopt;
  std::string_view epoch = text.substr(0, kEpochDigits);
  const auto number = take_number(epoch, 16);
  if (!number || !epoch.empty()) return std::nullopt;
  Position position{.epoch = *number, .offsets = {}};
  text.remove_prefix(kEpochDigits);
  while (!text.empty()) {
    if (text.front() != (position.offsets.empty() ? '-' : '.')) return std::nullopt;
    text.remove_prefix(1);
    const auto offset = take_number(text, 10);
    if (!offset || position.offsets.size() == most) return std::nullopt;
    position.offsets.push_back(*offset);
  }
  return position;
}

std::uint64_t& process_epoch() {
  static std::uint64_t epoch = [] {
    std::uint64_t drawn = 0;
    PEAL_CHECK(getrandom(&drawn, sizeof drawn, 0) == sizeof drawn);
    return drawn;
  }();
  return epoch;
}

}  // namespace peal::hub
