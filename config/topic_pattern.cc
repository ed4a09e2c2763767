// SPDX-License-Identifier: Apache-2.0
#include "config/topic_pattern.h"

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/utf8.h"

namespace peal::config {
namespace {

using SegmentKind = TopicPattern::Segment::Kind;

SegmentKind kind_of(std::string_view segment) {
  if (segment == "*") return SegmentKind::one;
  return segment == "**" ? SegmentKind::rest : SegmentKind::literal;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// What neither a name nor a pattern may have.
std::optional<std::string_view> text_problem(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > kMaxTopicName) return "it has more than 255 octets";
  if (std::ranges::any_of(text, is_control)) return "it has a control character";
  if (!is_utf8(as_bytes(text))) return "it is not UTF-8";
  if (text.front() == '/') return "it begins with \"/\"";
  if (text.back() == '/') return "it ends in \"/\"";
  if (text.find("//") != std::string_view::npos) return "it has an empty segment";
  return std::nullopt;
}

}  // namespace

std::string_view take_topic_segment(std::string_view& text) {
  const auto slash = text.find('/');
  const std::string_view segment = text.substr(0, slash);
  text = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
  return segment;
}

bool has_wildcard(std::string_view text) {
  while (!text.empty())
    if (kind_of(take_topic_segment(text)) != SegmentKind::literal) return true;
  return false;
}

std::optional<std::string_view> topic_name_problem(std::string_view name) {
  if (const auto problem = text_problem(name)) return problem;
  if (has_wildcard(name)) return "it has a segment \"*\" or \"**\", which stands for others";
  return std::nullopt;
}

std::expected<TopicPattern, std::string_view> TopicPattern::parse(std::string_view text) {
  if (const auto problem = text_problem(text)) return std::unexpected(*problem);
  TopicPattern pattern;
  while (!text.empty()) {
    const std::string_view segment = take_topic_segment(text);
    const SegmentKind kind = kind_of(segment);
    if (kind == SegmentKind::rest && !text.empty())
      return std::unexpected(std::string_view("\"**\" is not the last segment"));
    pattern.segments_.push_back({kind, kind == SegmentKind::literal ? std::string(segment) : ""});
  }
  // No name is empty, so "*/**" is every topic, as "**" is.
  if (pattern.segments_ == std::vector<Segment>{{SegmentKind::one, ""}, {SegmentKind::rest, ""}})
    pattern.segments_.erase(pattern.segments_.begin());
  return pattern;
}

bool TopicPattern::matches(std::string_view topic) const {
  for (const Segment& segment : segments_) {
    if (segment.kind == SegmentKind::rest) return true;
    if (topic.empty()) return false;
    const std::string_view name = take_topic_segment(topic);
    if (segment.kind == SegmentKind::literal && segment.text != name) return false;
  }
  return topic.empty();
}

bool TopicPattern::covers(const TopicPattern& other) const {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].kind == SegmentKind::rest) return true;
    if (i >= other.segments_.size()) return false;
    const Segment& theirs = other.segments_[i];
    if (theirs.kind == SegmentKind::rest) return false;
    if (segments_[i].kind == SegmentKind::literal && segments_[i] != theirs) return false;
  }
  return segments_.size() == other.segments_.size();
}

}  // namespace peal::config
