// SPDX-License-Identifier: Apache-2.0
// Property: any text is either refused with at least one problem, each in one line, or is a
// configuration that prints as text which loads to the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/print.h"
#include "core/base/check.h"
#include "tests/fuzz/target.h"

namespace peal::fuzz_config {

using namespace config;

PEAL_FUZZ_TARGET(config) {
  // A line in front that begins with "--set" is an override.
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> overrides;
  constexpr std::string_view kSet = "--set ";
  while (text.starts_with(kSet)) {
    const auto end = std::min(text.find('\n'), text.size());
    overrides.emplace_back(text.substr(kSet.size(), end - kSet.size()));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const Loaded loaded = load_text(text, "/fuzz.toml", overrides);
  PEAL_CHECK(loaded.config.has_value() == loaded.problems.empty());
  for (const Problem& problem : loaded.problems)
    PEAL_CHECK(problem.text().find('\n') == std::string::npos);
  if (!loaded.config) return;
  const Loaded again = load_text(print(*loaded.config), "/fuzz.toml");
  PEAL_CHECK(again.config == loaded.config);
}

}  // namespace peal::fuzz_config
