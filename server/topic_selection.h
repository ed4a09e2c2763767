// SPDX-License-Identifier: Apache-2.0
// From a request to the topics that it is about.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/path_pattern.h"

namespace peal::server {

/// A topic, or a pattern that stands for many.
struct SelectedTopic {
  std::string text;         ///< has no config::topic_name_problem(), or is a pattern
  bool is_pattern = false;  ///< as only `wildcards` allows

  bool operator==(const SelectedTopic&) const = default;
};

/// Why a request does not get its topics: the answer, in words that hold nothing of the request.
struct TopicRefusal {
  int status = 400;
  std::string reason;
};

/// The topic that a template names for these captures. Error: 400, as they may bring anything.
std::expected<std::string, TopicRefusal> name_topic(const config::TopicTemplate& topic,
                                                    std::span<const std::string_view> captures);
/// The same into `out`, whose memory it uses again; nullopt: it is there.
std::optional<TopicRefusal> name_topic(const config::TopicTemplate& topic,
                                       std::span<const std::string_view> captures,
                                       std::string& out);

/// What a client of a pubsub route is to hear, each topic once, in the order of the request or the
/// route. `topics`: those of the route, parsed. `query`: as sent; with `select = "query"` each
/// "topic=" of it is one. Error: 400, or 403 for one that the route does not allow.
///
/// What captures bring is never a wildcard, or a path could widen what the route allows.
std::expected<std::vector<SelectedTopic>, TopicRefusal> select_topics(
    const config::Route& route, std::span<const config::TopicTemplate> topics,
    std::span<const std::string_view> captures, std::string_view query);

}  // namespace peal::server
