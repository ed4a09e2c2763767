// SPDX-License-Identifier: Apache-2.0
#include "config/load_toml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <map>
#include <sstream>
#include <string>
#include <toml.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "config/source_map.h"

namespace peal::config {
namespace {

using Value = toml::basic_value<toml::discard_comments, std::map, std::vector>;

std::string number_text(double number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

/// A TOML value as a Node, with the positions that a SourceMap has.
class Converter {
 public:
  explicit Converter(const SourceMap& map) : map_(map) {}

  /// `path`: where the value is; `around`: what stands there when the map does not know, as for
  /// a key with escapes.
  Node convert(const Value& value, const std::string& path, Position around) const {
    Node node;
    const auto marks = map_.marks.find(path);
    const bool marked = marks != map_.marks.end();
    node.key_position = marked ? marks->second.key : around;
    node.position = marked ? marks->second.value : around;
    if (value.is_string()) {
      node.kind = Node::Kind::string;
      node.text = value.as_string().str;
    } else if (value.is_integer()) {
      node.kind = Node::Kind::integer;
      node.integer = value.as_integer();
    } else if (value.is_boolean()) {
      node.kind = Node::Kind::boolean;
      node.integer = value.as_boolean() ? 1 : 0;
    } else if (value.is_array()) {
      node.kind = Node::Kind::array;
      add_elements(node, value, path);
      if (marked) place_elements(node, marks->second.items);
    } else if (value.is_table()) {
      add_entries(node, value, path);
    } else {
      node.kind = Node::Kind::other;
      if (value.is_floating()) node.fraction = value.as_floating();
      node.text = value.is_floating()
                      ? "a number with a fraction: " + number_text(value.as_floating())
                      : "a date or time";
    }
    return node;
  }

 private:
  void add_elements(Node& list, const Value& value, const std::string& path) const {
    for (const Value& element : value.as_array())
      list.children.push_back(convert(element, path + "[]", list.position));
  }

  static void place_elements(Node& list, const std::vector<Position>& positions) {
    for (std::size_t i = 0; i < list.children.size() && i < positions.size(); ++i)
      list.children[i].position = list.children[i].key_position = positions[i];
  }

  void add_entries(Node& table, const Value& value, const std::string& path) const {
    for (const auto& [key, entry] : value.as_table()) {
      table.children.push_back(
          convert(entry, path.empty() ? key : path + '.' + key, table.position));
      table.children.back().key = key;
    }
    std::ranges::sort(table.children, {}, [](const Node& child) {
      return std::tuple(child.key_position.line, child.key_position.column, child.key);
    });
  }

  const SourceMap& map_;
};

/// The library points at the key of some malformed values; the value itself says more.
Position value_position(const SourceMap& map, Position place) {
  for (const auto& [path, marks] : map.marks)
    if (marks.key == place) return marks.value;
  return place;
}

/// The library's message without its name and its drawing of the file:
/// "[error] toml::parse_x: invalid line format\n ... ^--- expected newline" in one line.
std::string one_line(std::string_view what) {
  std::string out(what.substr(0, what.find('\n')));
  for (const std::string_view prefix : {"[error] ", "toml::", "detail::"})
    if (out.starts_with(prefix)) out.erase(0, prefix.size());
  // "parse_x: ", which may be there twice.
  for (auto colon = out.find(": "); colon < out.find(' '); colon = out.find(": "))
    out.erase(0, colon + 2);
  constexpr std::string_view kArrow = "^--- ";
  if (const auto arrow = what.rfind(kArrow); arrow != std::string_view::npos) {
    const auto hint = what.substr(arrow + kArrow.size());
    const auto line = hint.substr(0, hint.find('\n'));
    out.erase(out.find_last_not_of(" .:") + 1);
    if (line != "here") out.append(out.empty() ? "" : ": ").append(line);
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::ranges::replace_if(out, control, '?');
  return out;
}

}  // namespace

std::expected<Node, Problem> read_toml(std::string_view text, const std::string& file) {
  const auto problem = [&](Position position, std::string message) {
    return std::unexpected(Problem{file, position, {}, std::move(message)});
  };
  const SourceMap map = map_source(text);
  if (map.refusal) return problem(map.refusal->position, map.refusal->message);
  try {
    std::istringstream stream{std::string(text)};
    const auto value = toml::parse<toml::discard_comments, std::map, std::vector>(stream, file);
    return Converter(map).convert(value, {}, Position{1, 1});
  } catch (const toml::exception& failure) {
    const Position place{failure.location().line(), failure.location().column()};
    return problem(value_position(map, place), one_line(failure.what()));
  } catch (const std::exception& failure) {
    return problem({1, 1}, one_line(failure.what()));
  }
}

}  // namespace peal::config
