// SPDX-License-Identifier: Apache-2.0
// A TOML document as plain data that knows where each part of it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace peal::config {

struct Node {
  enum class Kind : std::uint8_t { string, integer, boolean, array, table, other };
  Kind kind = Kind::table;
  std::string key;        ///< in the table around it; empty in an array
  Position key_position;  ///< equals `position` in an array
  Position position;      ///< of the value; of its header for a table

  std::string text;                ///< string: the value; other: what it is, "a float"
  std::int64_t integer = 0;        ///< integer; boolean: 0 or 1
  std::string typed;               ///< a number, boolean or date from --set: as it was typed
  std::optional<double> fraction;  ///< other: the number with a fraction that it is
  std::vector<Node>
      children;  ///< array: its elements; table: its entries, in the order of the file

  /// The entry of that name in a table; null when there is none.
  const Node* find(std::string_view name) const;
  Node* find(std::string_view name);

  /// As a message shows it: `"text"`, `42`, `true`, `a list`, `a table`, `a float`.
  std::string description() const;
};

/// Whether `text` may be a key without quotes; the names of routes and listeners must be.
bool is_bare_key(std::string_view text);

/// A key as it is written: in quotes when it needs them.
std::string key_text(std::string_view key);

/// Text in double quotes, escaped as TOML has it, so that it stays on one line.
std::string in_quotes(std::string_view text);

}  // namespace peal::config
