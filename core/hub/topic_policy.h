// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/time.h"

namespace peal::hub {

/// What is laid down for the topics of a class.
struct TopicPolicy {
  std::uint32_t index = 0;       ///< of the class, below TopicPolicies::count()
  std::uint32_t number = 0;      ///< of the class, for HomeCounters
  std::size_t history_size = 0;  ///< messages kept for those who come later; 0 = none
  Duration history_age{};        ///< older ones go; 0 = never
  Duration pace{};  ///< least time between two messages, of which the newest goes; 0 = none
};

/// From topics to classes. Immutable, asked by every shard; outlives the hubs, or their use of it,
/// see Hub::set_policies().
class TopicPolicies {
 public:
  /// Valid as long as this.
  virtual const TopicPolicy& of(std::string_view topic) const = 0;
  /// How many classes there are.
  virtual std::size_t count() const = 0;

 protected:
  ~TopicPolicies() = default;
};

}  // namespace peal::hub
