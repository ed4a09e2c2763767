// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/target.h"

#include <map>

namespace peal::fuzz {
namespace {

std::map<std::string_view, Property>& all() {
  static std::map<std::string_view, Property> targets;
  return targets;
}

}  // namespace

Target::Target(std::string_view name, Property property) {
  all().emplace(name, property);
}

Property find_target(std::string_view name) {
  const auto found = all().find(name);
  return found == all().end() ? nullptr : found->second;
}

}  // namespace peal::fuzz
