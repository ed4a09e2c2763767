// SPDX-License-Identifier: Apache-2.0
// From TOML to Config. Any thread; nothing is thrown.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/problem.h"

namespace peal::config {

/// A check of the caller's own, of what this layer knows nothing about, such as what is in the
/// files of certificates. It runs once, after validate() and also when there are problems already:
/// what could not be read is at its default then. What it reports under a key, "listen.a.tls.cert",
/// comes out at its place among the other problems, and there is no Config.
using Check = std::function<void(const Config&, Diagnosis&)>;

struct LoadOptions {
  std::string path;
  std::vector<std::string> overrides;  ///< "KEY=VALUE", each as given to --set; later ones win
  Check check = nullptr;
};

struct Loaded {
  std::optional<Config> config;   ///< there exactly when `problems` is empty
  std::vector<Problem> problems;  ///< all of them, in the order of the file
  Provenance provenance;
};

/// Reads and checks a configuration file. A file that cannot be read is a problem like any other.
Loaded load(const LoadOptions& options);

/// The same from memory. `file` names the text in messages; its folder is what the names of
/// files and folders in it are relative to.
Loaded load_text(std::string_view text, const std::string& file,
                 std::span<const std::string> overrides = {}, const Check& check = nullptr);

}  // namespace peal::config
