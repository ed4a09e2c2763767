// SPDX-License-Identifier: Apache-2.0
// From TOML to Config. Any thread; nothing is thrown.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace peal::config {

struct LoadOptions {
  std::string path;
  std::vector<std::string> overrides;  ///< "KEY=VALUE", each as given to --set; later ones win
};

struct Loaded {
  std::optional<Config> config;   ///< there exactly when `problems` is empty
  std::vector<Problem> problems;  ///< all of them, in the order of the file
  Provenance provenance;
};

/// Reads and checks a configuration file. A file that cannot be read is a problem like any other.
Loaded load(const LoadOptions& options);

/// The same from memory. `file` names the text in messages; its folder is what a relative `root`
/// is relative to.
Loaded load_text(std::string_view text, const std::string& file,
                 std::span<const std::string> overrides = {});

}  // namespace peal::config
