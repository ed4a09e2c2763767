// SPDX-License-Identifier: Apache-2.0
#include "config/problem.h"

namespace peal::config {

std::string Problem::text() const {
  std::string out = file;
  if (position.line != 0)
    out += ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
  out += ": error: ";
  if (!key.empty()) out += key + ": ";
  return out + message;
}

std::string Provenance::of(std::string_view key) const {
  const auto found = settings.find(key);
  if (found == settings.end()) return "default";
  if (found->second.line == 0) return "--set";
  return file + ':' + std::to_string(found->second.line);
}

}  // namespace peal::config
