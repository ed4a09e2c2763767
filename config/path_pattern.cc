// SPDX-License-Identifier: Apache-2.0
#include "config/path_pattern.h"

#include <algorithm>

#include "config/document.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

using Failure = std::unexpected<std::string>;

bool is_capture_name(std::string_view name) {
  const auto letter = [](char c) {
    return (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || ascii::is_digit(c); });
}

std::expected<Segment, std::string> parse_capture(std::string_view text) {
  std::string_view name = text.substr(1, text.size() - 2);
  Segment segment{Segment::Kind::param, {}};
  if (name.ends_with("...")) {
    segment.kind = Segment::Kind::rest;
    name.remove_suffix(3);
  }
  if (!is_capture_name(name))
    return Failure("a capture is {name} or {name...}, of letters, digits and \"_\", not " +
                   in_quotes(text));
  segment.text = name;
  return segment;
}

std::expected<Segment, std::string> parse_segment(std::string_view text) {
  if (text.empty()) return Failure("it has an empty segment");
  if (text == "." || text == "..") return Failure("no request has a segment " + in_quotes(text));
  if (text.front() == '{' && text.back() == '}') return parse_capture(text);
  if (text.find_first_of("{}") != std::string_view::npos)
    return Failure("a capture is a whole segment, not a part of one: " + in_quotes(text));
  if (const auto bad = text.find_first_of("%?#"); bad != std::string_view::npos)
    return Failure("a path is written decoded and without a query, so without " +
                   in_quotes(text.substr(bad, 1)));
  return Segment{Segment::Kind::literal, std::string(text)};
}

/// Adds one segment unless the path as a whole does not allow it.
std::expected<void, std::string> append(PathPattern& path, Segment segment) {
  if (path.segments.size() == kMaxSegments)
    return Failure("it has more than " + std::to_string(kMaxSegments) + " segments");
  if (!path.segments.empty() && path.segments.back().kind == Segment::Kind::rest)
    return Failure("{" + path.segments.back().text + "...} is not the last segment");
  if (segment.kind != Segment::Kind::literal) {
    const auto names = path.captures();
    if (std::ranges::find(names, segment.text) != names.end())
      return Failure("{" + segment.text + "} is there twice");
    if (names.size() == kMaxCaptures)
      return Failure("it has more than " + std::to_string(kMaxCaptures) + " captures");
  }
  path.segments.push_back(std::move(segment));
  return {};
}

}  // namespace

std::vector<std::string_view> PathPattern::captures() const {
  std::vector<std::string_view> names;
  for (const Segment& segment : segments)
    if (segment.kind != Segment::Kind::literal) names.push_back(segment.text);
  return names;
}

std::string PathPattern::shape() const {
  std::string out;
  for (const Segment& segment : segments) {
    out += '/';
    if (segment.kind == Segment::Kind::literal) out += segment.text;
    if (segment.kind == Segment::Kind::param) out += "{}";
    if (segment.kind == Segment::Kind::rest) out += "{...}";
  }
  return out;
}

std::expected<PathPattern, std::string> parse_path_pattern(std::string_view text) {
  if (!text.starts_with('/')) return Failure("it does not begin with \"/\"");
  text.remove_prefix(1);
  PathPattern path;
  if (text.empty()) path.segments.emplace_back();
  while (!text.empty()) {
    const auto slash = text.find('/');
    auto segment = parse_segment(text.substr(0, slash));
    if (!segment) return Failure(std::move(segment.error()));
    if (auto added = append(path, std::move(*segment)); !added)
      return Failure(std::move(added.error()));
    if (slash == text.size() - 1) return Failure("it ends in \"/\"");
    text = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
  }
  return path;
}

std::expected<TopicTemplate, std::string> parse_topic_template(std::string_view text,
                                                               const PathPattern& path) {
  if (text.empty()) return Failure("it is empty");
  const auto names = path.captures();
  TopicTemplate topic;
  while (!text.empty()) {
    const auto brace = text.find_first_of("{}");
    if (brace != 0) {
      topic.pieces.push_back({std::string(text.substr(0, brace)), std::nullopt});
      text = brace == std::string_view::npos ? std::string_view{} : text.substr(brace);
      continue;
    }
    const auto end = text.find('}');
    if (end == 0 || end == std::string_view::npos) return Failure("a brace has no partner");
    const std::string_view name = text.substr(1, end - 1);
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      return Failure("{" + std::string(name) + "} is no capture of the path");
    topic.pieces.push_back({{}, static_cast<std::size_t>(found - names.begin())});
    text.remove_prefix(end + 1);
  }
  return topic;
}

}  // namespace peal::config
