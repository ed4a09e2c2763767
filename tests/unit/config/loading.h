// SPDX-License-Identifier: Apache-2.0
// Configurations as text, and what loading them says.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace peal::config {

// Lines 1 and 2 of every text below.
inline const std::string kListen = "[listen.public]\naddress = \"127.0.0.1:0\"\n";
// Lines 3 to 5.
inline const std::string kEcho = "[route.echo]\npath = \"/echo\"\ntype = \"echo\"\n";
inline const std::string kSmallest = kListen + kEcho;

inline std::vector<std::string> problems(const std::string& text,
                                         std::vector<std::string> overrides = {}) {
  std::vector<std::string> lines;
  const Loaded loaded = load_text(text, "p.toml", overrides);
  for (const Problem& problem : loaded.problems) lines.push_back(problem.text());
  CHECK(loaded.config.has_value() == lines.empty());
  return lines;
}

/// The only problem there is.
inline std::string problem(const std::string& text, std::vector<std::string> overrides = {}) {
  const auto lines = problems(text, std::move(overrides));
  REQUIRE(lines.size() == 1);
  return lines.front();
}

inline Config loaded(const std::string& text, std::vector<std::string> overrides = {}) {
  const Loaded result = load_text(text, "p.toml", overrides);
  for (const Problem& wrong : result.problems) FAIL_CHECK(wrong.text());
  REQUIRE(result.config);
  return *result.config;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace peal::config
