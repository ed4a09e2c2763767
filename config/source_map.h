// SPDX-License-Identifier: Apache-2.0
// Where the keys and values of a TOML text stand. The TOML library knows this for values only, and
// needs a time that grows with the square of the file to tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/problem.h"

namespace peal::config {

struct Marks {
  Position key;
  Position value;               ///< of a table: its header
  std::vector<Position> items;  ///< of a list: its elements
  bool is_list = false;
};

struct SourceMap {
  std::unordered_map<std::string, Marks> marks;  ///< by dotted path: "route.chat.path"

  /// A construct that must not be handed to the TOML library, which would recurse without a bound
  /// or read past the end of a list.
  struct Refusal {
    Position position;
    std::string message;
  };
  std::optional<Refusal> refusal;
};

/// Never fails: where `text` is not TOML the map ends.
SourceMap map_source(std::string_view text);

}  // namespace peal::config
