// SPDX-License-Identifier: Apache-2.0
#include "core/hub/message_id.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace peal::hub::message_id_test {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
using Offsets = std::vector<std::uint64_t>;

TEST_CASE("MessageId: the text has 16 digits of the epoch and the offset as it is") {
  CHECK(message_id_text({.epoch = 0, .offset = 0}) == "0000000000000000-0");
  CHECK(message_id_text({.epoch = 0xabcdef0123456789, .offset = 42}) == "abcdef0123456789-42");
  const std::string longest = message_id_text({.epoch = kMost, .offset = kMost});
  CHECK(longest == "ffffffffffffffff-18446744073709551615");
  CHECK(longest.size() == kMaxMessageIdText);
}

TEST_CASE("MessageId: what is written is read again") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const MessageId id{.epoch = random() >> random() % 64, .offset = random() >> random() % 64};
    const auto position = parse_position(message_id_text(id), 1);
    REQUIRE(position);
    CHECK(position->epoch == id.epoch);
    CHECK(position->offsets == Offsets{id.offset});
  }
}

TEST_CASE("Position: as many offsets as there may be, in their order") {
  const auto position = parse_position("00000000000000Ff-3.0.18446744073709551615", 3);
  REQUIRE(position);
  CHECK(position->epoch == 255);
  CHECK(position->offsets == Offsets{3, 0, kMost});
  CHECK_FALSE(parse_position("00000000000000ff-3.0.1", 2));
  CHECK_FALSE(parse_position("00000000000000ff-3", 0));
}

TEST_CASE("Position: what is none is refused") {
  const std::string epoch(16, '0');
  for (const std::string& text : {std::string(),
                                  std::string("-"),
                                  std::string("-1"),
                                  epoch,
                                  epoch + "-",
                                  epoch + "-.",
                                  epoch + "-1.",
                                  epoch + "-.1",
                                  epoch + "-1..2",
                                  epoch + "-1-2",
                                  epoch + ".1",
                                  epoch + "1-1",
                                  epoch.substr(1) + "-1",
                                  "0x" + epoch.substr(2) + "-1",
                                  "g" + epoch.substr(1) + "-1",
                                  "-" + epoch.substr(1) + "-1",
                                  "+" + epoch.substr(1) + "-1",
                                  " " + epoch + "-1",
                                  epoch + "- 1",
                                  epoch + "--1",
                                  epoch + "-+1",
                                  epoch + "-1 ",
                                  epoch + "-0x1",
                                  epoch + "-1a",
                                  epoch + "-18446744073709551616",
                                  epoch + "-1.99999999999999999999",
                                  epoch + std::string("-1\0", 3),
                                  epoch + "-1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_position(text, 10));
  }
}

TEST_CASE("MessageId: one epoch for all of this process") {
  CHECK(process_epoch() == process_epoch());
  CHECK(&process_epoch() == &process_epoch());
}

}  // namespace
}  // namespace peal::hub::message_id_test
