// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, and where its settings were written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace peal::config {

/// A place in a configuration. Lines and columns count from 1, columns in octets.
struct Position {
  std::uint32_t line = 0;  ///< 0 = not in the file: given by --set
  std::uint32_t column = 0;

  bool operator==(const Position&) const = default;
};

/// One reason why a configuration is not valid.
struct Problem {
  std::string file;     ///< as given on the command line, or "--set"
  Position position;    ///< line 0 where there is none
  std::string key;      ///< "route.chat.publish"; empty for a syntax error
  std::string message;  ///< "expected ..., found ..."

  /// "FILE:LINE:COL: error: KEY: MESSAGE", in one line.
  std::string text() const;
};

/// Where each effective setting came from, by its key ("limits.message_size").
struct Provenance {
  std::string file;
  std::map<std::string, Position, std::less<>> settings;  ///< those given; all others are defaults

  /// "default", "FILE:LINE" or "--set".
  std::string of(std::string_view key) const;
};

}  // namespace peal::config
