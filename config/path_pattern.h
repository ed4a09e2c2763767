// SPDX-License-Identifier: Apache-2.0
// The two little languages of a route: paths ("/chat/{room}") and topics ("chat/{room}").
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::config {

inline constexpr std::size_t kMaxCaptures = 8;   ///< {params} in one path
inline constexpr std::size_t kMaxSegments = 32;  ///< in one path

struct Segment {
  enum class Kind : std::uint8_t { literal, param, rest };  ///< most specific first
  Kind kind = Kind::literal;
  std::string text;  ///< the literal, percent-decoded; else the name of the capture

  bool operator==(const Segment&) const = default;
};

/// A path as a route declares it. "/" is one empty literal; no other segment is empty.
struct PathPattern {
  std::vector<Segment> segments;

  /// Names of the captures, in the order in which a match lists their values.
  std::vector<std::string_view> captures() const;

  /// The path with its captures nameless, "/chat/{}/{...}": equal for two paths that could tie.
  std::string shape() const;
};

/// Reads "/chat/{room}" or "/files/{path...}". Error: what is wrong, in words.
std::expected<PathPattern, std::string> parse_path_pattern(std::string_view text);

/// A topic name with holes.
struct TopicTemplate {
  struct Piece {
    std::string literal;                 ///< used when `capture` is empty
    std::optional<std::size_t> capture;  ///< index into PathPattern::captures()
  };
  std::vector<Piece> pieces;
};

/// Reads "chat/{room}"; each {name} must be a capture of `path`. Error: what is wrong, in words.
std::expected<TopicTemplate, std::string> parse_topic_template(std::string_view text,
                                                               const PathPattern& path);

}  // namespace peal::config
