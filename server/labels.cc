// SPDX-License-Identifier: Apache-2.0
#include "server/labels.h"

#include <algorithm>

namespace peal::server {

std::uint32_t LabelNumbers::number(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(names_, name);
  const auto number = static_cast<std::uint32_t>(found - names_.begin());
  if (found == names_.end()) names_.emplace_back(name);
  return number;
}

std::string LabelNumbers::name(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return names_.at(number);
}

std::vector<std::string> LabelNumbers::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

}  // namespace peal::server
