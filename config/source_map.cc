// SPDX-License-Identifier: Apache-2.0
#include "config/source_map.h"

#include <cstddef>
#include <utility>

#include "config/document.h"

namespace peal::config {
namespace {

constexpr std::size_t kMaxDepth = 16;  // of values in values, and of dots in a key

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  SourceMap run() {
    while (!done_ && skip_blank_lines()) {
      if (peek() == '[')
        header();
      else
        key_and_value(table_, 1);
    }
    return std::move(map_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool at_end() const { return at_ >= text_.size(); }
  bool take(char c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  Position here() const { return {line_, static_cast<std::uint32_t>(at_ - line_start_ + 1)}; }

  void stop() { done_ = true; }
  void refuse(Position position, std::string message) {
    map_.refusal = SourceMap::Refusal{position, std::move(message)};
    stop();
  }

  void next_line() {
    ++line_;
    line_start_ = ++at_;
  }
  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  void skip_comment() {
    if (peek() != '#') return;
    while (!at_end() && peek() != '\n') ++at_;
  }
  /// Spaces, comments and line ends; false at the end of the text.
  bool skip_blank_lines() {
    for (; !at_end(); skip_comment()) {
      skip_spaces();
      if (peek() == '\n')
        next_line();
      else if (peek() == '\r' && peek(1) == '\n')
        ++at_;
      else if (peek() != '#')
        return !at_end();
    }
    return false;
  }

  void header() {
    ++at_;
    const bool of_a_list = take('[');
    table_.clear();
    if (!key_path(table_)) return stop();
    map_.marks[table_].value = map_.marks[table_].key;
    if (!take(']') || (of_a_list && !take(']'))) stop();
  }

  void key_and_value(const std::string& table, std::size_t depth) {
    std::string path = table;
    if (!key_path(path) || !take('=')) return stop();
    skip_spaces();
    Marks& marks = map_.marks[path];
    marks.value = here();
    marks.is_list = peek() == '[';
    value(path, depth);
  }

  /// Appends "a.b" to `path` and marks each part; spaces on both sides are skipped.
  bool key_path(std::string& path) {
    std::size_t parts = 0;
    do {
      skip_spaces();
      const Position position = here();
      const auto part = key_part();
      if (!part) return false;
      if (++parts > kMaxDepth) return refuse(position, "the key has too many dots"), false;
      if (const auto outer = map_.marks.find(path); outer != map_.marks.end()) {
        if (outer->second.is_list)
          return refuse(position, in_quotes(path) + " is a list and has no keys"), false;
      }
      if (!path.empty()) path += '.';
      path += *part;
      map_.marks.try_emplace(path, Marks{position, position, {}, false});
      last_key_ = position;
      skip_spaces();
    } while (take('.'));
    // The last part is where this table or value is set, wherever it was mentioned before.
    map_.marks[path].key = last_key_;
    return true;
  }

  /// A bare or quoted key. Escapes stay as they are: no key of ours has any.
  std::optional<std::string_view> key_part() {
    const std::size_t start = at_;
    if (peek() == '"' || peek() == '\'') {
      skip_string();
      if (at_ < start + 2) return std::nullopt;
      return text_.substr(start + 1, at_ - start - 2);
    }
    while (!at_end() && is_bare_key(text_.substr(at_, 1))) ++at_;
    if (at_ == start) return std::nullopt;
    return text_.substr(start, at_ - start);
  }

  /// Any value; those directly in `path` mark their keys and elements.
  void value(const std::string& path, std::size_t depth) {
    if (depth > kMaxDepth) return refuse(here(), "the value is nested too deeply");
    switch (peek()) {
      case '"':
      case '\'':
        return skip_string();
      case '[':
        return list(path, depth);
      case '{':
        return inline_table(path, depth);
      default:
        while (!at_end() && std::string_view(",]}#\r\n").find(peek()) == std::string_view::npos)
          ++at_;
    }
  }

  void list(const std::string& path, std::size_t depth) {
    ++at_;
    while (!done_ && skip_blank_lines() && !take(']')) {
      map_.marks[path].items.push_back(here());
      value(path + "[]", depth + 1);
      if (!skip_blank_lines()) return stop();
      if (!take(',') && peek() != ']') return stop();
    }
  }

  void inline_table(const std::string& table, std::size_t depth) {
    ++at_;
    skip_spaces();
    while (!done_ && !take('}')) {
      key_and_value(table, depth + 1);
      skip_spaces();
      if (!take(',') && peek() != '}') return stop();
    }
  }

  void skip_string() {
    const char quote = peek();
    const std::string triple(3, quote);
    const bool multi_line = text_.substr(at_).starts_with(triple);
    at_ += multi_line ? 3 : 1;
    for (; !at_end(); ++at_) {
      if (multi_line ? text_.substr(at_).starts_with(triple) : peek() == quote) {
        at_ += multi_line ? 3 : 1;
        // Up to two more quotes belong to the text.
        for (int extra = 0; multi_line && extra < 2 && peek() == quote; ++extra) ++at_;
        return;
      }
      if (quote == '"' && peek() == '\\') ++at_;
      if (peek() == '\n') {
        if (!multi_line) return stop();
        next_line();
        --at_;
      }
    }
    stop();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::size_t line_start_ = 0;
  std::string table_;  // path of the header above
  Position last_key_;  // of the last part that key_path() read
  bool done_ = false;
  SourceMap map_;
};

}  // namespace

SourceMap map_source(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace peal::config
