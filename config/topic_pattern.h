// SPDX-License-Identifier: Apache-2.0
// The names of topics ("chat/lobby"), and patterns that stand for many of them ("chat/**").
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::config {

inline constexpr std::size_t kMaxTopicName = 255;  ///< octets, of a pattern too

/// Why `name` is no name of a topic, in words; nullopt when it is one. A name is "/"-separated
/// UTF-8 of 1 to kMaxTopicName octets, without control characters and without empty segments, so
/// neither the first nor the last octet is a "/". No segment is "*" or "**". Allocates nothing.
std::optional<std::string_view> topic_name_problem(std::string_view name);

/// Whether `text` has a segment "*" or "**", and so can only be a pattern.
bool has_wildcard(std::string_view text);

/// What stands for topics: a segment "*" for any one segment, "**", which is the last one, for any
/// number of them and for none. So "chat/**" has "chat", "chat/lobby" and "chat/lobby/2", and "**"
/// has every topic. Any other segment stands for itself, and a name for the topic of that name.
/// Plain data.
class TopicPattern {
 public:
  struct Segment {
    enum class Kind : std::uint8_t { literal, one, rest };  ///< most specific first
    Kind kind = Kind::literal;
    std::string text;  ///< of a literal

    bool operator==(const Segment&) const = default;
  };

  /// Error: what is wrong, in words.
  static std::expected<TopicPattern, std::string_view> parse(std::string_view text);

  /// Requires: no topic_name_problem().
  bool matches(std::string_view topic) const;

  /// Whether every topic that `other` has is one of this pattern, too.
  bool covers(const TopicPattern& other) const;

  const std::vector<Segment>& segments() const { return segments_; }

  bool operator==(const TopicPattern&) const = default;

 private:
  std::vector<Segment> segments_;
};

/// Takes the first segment and the "/" behind it off a name or a pattern.
std::string_view take_topic_segment(std::string_view& text);

}  // namespace peal::config
