// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "server/batch_topics.h"

namespace peal::server::test {

/// What a batch to a route of that path and those topics may name.
inline BatchTopics batch_topics(std::string_view path,
                                std::initializer_list<std::string_view> topics,
                                std::vector<std::string_view> captures) {
  const auto pattern = config::parse_path_pattern(path).value();
  std::vector<config::TopicTemplate> templates;
  for (const std::string_view topic : topics)
    templates.push_back(config::parse_topic_template(topic, pattern).value());
  const bool rest = pattern.segments.back().kind == config::Segment::Kind::rest;
  return {templates, captures, rest};
}

}  // namespace peal::server::test
