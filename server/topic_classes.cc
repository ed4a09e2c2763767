// SPDX-License-Identifier: Apache-2.0
#include "server/topic_classes.h"

#include "core/base/check.h"

namespace peal::server {

using Kind = config::TopicPattern::Segment::Kind;

TopicClasses::TopicClasses(const config::Config& config) : nodes_(1) {
  classes_.emplace_back().name = config::kDefaultTopicClass;
  for (const config::Topic& topic : config.topics) {
    const auto pattern = config::TopicPattern::parse(topic.match);
    PEAL_CHECK(pattern);
    add(*pattern, add_class(topic));
  }
}

/// Its index. A class of the name "default" takes the place of ours.
std::uint32_t TopicClasses::add_class(const config::Topic& topic) {
  TopicClass made;
  made.name = topic.name;
  if (topic.history) {
    made.history_size = topic.history->size;
    made.history_age = topic.history->age;
  }
  if (topic.rate > 0) made.pace = Duration(std::chrono::seconds(1)) / topic.rate;
  const bool is_default = topic.name == config::kDefaultTopicClass;
  made.index = is_default ? 0 : static_cast<std::uint32_t>(classes_.size());
  if (is_default)
    classes_.front() = std::move(made);
  else
    classes_.push_back(std::move(made));
  return is_default ? 0 : classes_.back().index;
}

void TopicClasses::add(const config::TopicPattern& pattern, std::uint32_t index) {
  std::uint32_t at = 0;
  for (const auto& segment : pattern.segments()) {
    if (segment.kind == Kind::rest) {
      nodes_[at].rest = index;
      return;
    }
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    std::uint32_t& next = segment.kind == Kind::one
                              ? nodes_[at].one
                              : nodes_[at].literals.try_emplace(segment.text, kNone).first->second;
    const bool is_new = next == kNone;
    if (is_new) next = fresh;
    at = next;
    if (is_new) nodes_.emplace_back();
  }
  nodes_[at].here = index;
}

void TopicClasses::number(LabelNumbers& numbers) {
  for (TopicClass& each : classes_) each.TopicPolicy::number = numbers.number(each.name);
}

const TopicClass& TopicClasses::of(std::string_view topic) const {
  const std::uint32_t found = walk(0, topic);
  return classes_[found == kNone ? 0 : found];
}

/// The class for what is left of a topic behind `node`; kNone when no pattern has it. As deep as
/// the longest pattern.
std::uint32_t TopicClasses::walk(std::uint32_t node, std::string_view topic) const {
  const Node& here = nodes_[node];
  if (topic.empty()) return here.here != kNone ? here.here : here.rest;
  const std::string_view segment = config::take_topic_segment(topic);
  std::uint32_t found = kNone;
  if (const auto literal = here.literals.find(segment); literal != here.literals.end())
    found = walk(literal->second, topic);
  if (found == kNone && here.one != kNone) found = walk(here.one, topic);
  return found == kNone ? here.rest : found;
}

}  // namespace peal::server
