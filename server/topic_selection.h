// SPDX-License-Identifier: Apache-2.0
// From a request to the topics that it is about.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/path_pattern.h"
#include "config/topic_pattern.h"

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

/// What a client may choose of on a pubsub route with `select = "query"`.
///
/// What captures bring is never a wildcard, or a path could widen what the route allows.
class TopicChoice {
 public:
  /// `topics`: those of the route, parsed. Error: 400.
  static std::expected<TopicChoice, TopicRefusal> make(
      std::span<const config::TopicTemplate> topics, std::span<const std::string_view> captures);

  /// What `text` asks for. Error: 400 for what is neither a topic nor a pattern, 403 for one that
  /// the route does not allow.
  std::expected<SelectedTopic, TopicRefusal> check(const config::Route& route,
                                                   std::string_view text) const;

 private:
  explicit TopicChoice(std::vector<config::TopicPattern> allowed) : allowed_(std::move(allowed)) {}

  std::vector<config::TopicPattern> allowed_;
};

/// What a client of a pubsub route is to hear, each topic once, in the order of the request or the
/// route. `topics`: those of the route, parsed. `query`: as sent; with `select = "query"` each
/// "topic=" of it is one, and there are `least` of them. Error: as TopicChoice has it.
std::expected<std::vector<SelectedTopic>, TopicRefusal> select_topics(
    const config::Route& route, std::span<const config::TopicTemplate> topics,
    std::span<const std::string_view> captures, std::string_view query, std::size_t least = 1);

}  // namespace peal::server
