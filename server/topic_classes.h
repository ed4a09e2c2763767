// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "config/topic_pattern.h"
#include "core/base/hash.h"
#include "core/base/time.h"
#include "core/hub/topic_policy.h"
#include "server/labels.h"

namespace peal::server {

/// What a topic is: the class that it belongs to.
struct TopicClass : hub::TopicPolicy {
  std::string name;  ///< the label of metrics; that of index 0 is "default"
};

/// Finds the class of a topic. The most specific pattern wins: segment by segment from the left, a
/// literal before "*" before "**". Topics that none matches are of the class "default".
///
/// Owner: the Site; immutable, so any thread may look up. Errors: none. Limits: no allocation per
/// look-up, and the cost does not grow with the number of classes, but with the segments of the
/// topic, and where patterns begin alike but for a "*" with the ways to read it.
class TopicClasses final : public hub::TopicPolicies {
 public:
  /// Requires: `config` as made by config::load().
  explicit TopicClasses(const config::Config& config);

  /// Gives the classes their numbers. To be called before anybody looks up.
  void number(LabelNumbers& numbers);

  /// Requires: no config::topic_name_problem(). Valid as long as this.
  const TopicClass& of(std::string_view topic) const override;
  std::size_t count() const override { return classes_.size(); }

  /// "default" first, then those of the configuration in the order of the file.
  std::span<const TopicClass> all() const { return classes_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  /// One segment of the patterns that begin alike.
  struct Node {
    std::unordered_map<std::string, std::uint32_t, KeyedTextHash, std::equal_to<>> literals;
    std::uint32_t one = kNone;   ///< the node behind "*"
    std::uint32_t rest = kNone;  ///< the class of "**"
    std::uint32_t here = kNone;  ///< the class whose pattern ends here
  };

  std::uint32_t add_class(const config::Topic& topic);
  void add(const config::TopicPattern& pattern, std::uint32_t index);
  std::uint32_t walk(std::uint32_t node, std::string_view topic) const;

  std::vector<TopicClass> classes_;
  std::vector<Node> nodes_;
};

}  // namespace peal::server
