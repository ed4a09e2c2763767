// SPDX-License-Identifier: Apache-2.0
#include "server/topic_selection.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "config/topic_pattern.h"
#include "core/http/target.h"
#include "server/router.h"

namespace peal::server {
namespace {

using config::TopicPattern;
using Captures = std::span<const std::string_view>;
using TopicRefused = std::unexpected<TopicRefusal>;

TopicRefusal no_topic(std::string_view why) {
  return {400, "the path makes no topic: " + std::string(why)};
}

TopicRefused refuse_path(std::string_view why) {
  return TopicRefused(no_topic(why));
}

std::size_t count_wildcards(const TopicPattern& pattern) {
  return static_cast<std::size_t>(
      std::ranges::count_if(pattern.segments(), [](const TopicPattern::Segment& segment) {
        return segment.kind != TopicPattern::Segment::Kind::literal;
      }));
}

/// The pattern that a template names.
std::expected<TopicPattern, TopicRefusal> name_pattern(const config::TopicTemplate& topic,
                                                       Captures captures) {
  std::string text;
  expand(topic, captures, text);
  auto pattern = TopicPattern::parse(text);
  if (!pattern) return refuse_path(pattern.error());
  // With a letter for each capture only the wildcards of the route itself are left.
  const std::vector<std::string_view> plain(captures.size(), "x");
  expand(topic, plain, text);
  const auto own = TopicPattern::parse(text);
  if (!own || count_wildcards(*pattern) != count_wildcards(*own))
    return refuse_path("a \"*\" in it is not a wildcard");
  return *pattern;
}

/// Reads the topics of a query.
class QueryTopics {
 public:
  QueryTopics(const config::Route& route, std::vector<TopicPattern> allowed)
      : route_(route), allowed_(std::move(allowed)) {}

  std::expected<std::vector<SelectedTopic>, TopicRefusal> read(std::string_view query) {
    http::for_each_query_pair(query, [&](std::string_view name, std::string_view value) {
      if (name == "topic" && !refusal_) add(value);
    });
    if (refusal_) return TopicRefused(std::move(*refusal_));
    if (selected_.empty())
      return TopicRefused({400, "no topic is asked for; the query has them: ?topic=NAME"});
    return std::move(selected_);
  }

 private:
  void refuse(int status, std::string_view why) {
    refusal_ = {status, "topic " + std::to_string(seen_) + " of the query: " + std::string(why)};
  }

  void add(std::string_view encoded) {
    ++seen_;
    std::string scratch(encoded.size(), '\0');
    const auto text = http::decode_query_value(encoded, scratch);
    if (!text) return refuse(400, "it is not percent-encoded as it should be");
    SelectedTopic topic{std::string(*text), config::has_wildcard(*text)};
    if (!(topic.is_pattern ? check_pattern(topic.text) : check_name(topic.text))) return;
    if (std::ranges::find(selected_, topic) != selected_.end()) return;
    if (selected_.size() == route_.max_topics)
      return refuse(400, "there may be " + std::to_string(route_.max_topics) + " at most");
    selected_.push_back(std::move(topic));
  }

  bool check_name(std::string_view name) {
    const auto problem = config::topic_name_problem(name);
    const auto has = [&](const TopicPattern& pattern) { return pattern.matches(name); };
    if (problem)
      refuse(400, *problem);
    else if (std::ranges::none_of(allowed_, has))
      refuse(403, "this route does not have it");
    return !refusal_;
  }

  bool check_pattern(std::string_view text) {
    const auto pattern = TopicPattern::parse(text);
    const auto covers = [&](const TopicPattern& allowed) { return allowed.covers(*pattern); };
    if (!pattern)
      refuse(400, pattern.error());
    else if (!route_.wildcards)
      refuse(403, "this route takes names of topics, not patterns");
    else if (std::ranges::none_of(allowed_, covers))
      refuse(403, "this route does not have all that it stands for");
    return !refusal_;
  }

  const config::Route& route_;
  std::vector<TopicPattern> allowed_;
  std::vector<SelectedTopic> selected_;
  std::optional<TopicRefusal> refusal_;
  std::size_t seen_ = 0;
};

}  // namespace

std::expected<std::string, TopicRefusal> name_topic(const config::TopicTemplate& topic,
                                                    Captures captures) {
  std::string name;
  if (auto refusal = name_topic(topic, captures, name)) return TopicRefused(std::move(*refusal));
  return name;
}

std::optional<TopicRefusal> name_topic(const config::TopicTemplate& topic, Captures captures,
                                       std::string& out) {
  expand(topic, captures, out);
  if (const auto problem = config::topic_name_problem(out)) return no_topic(*problem);
  return std::nullopt;
}

std::expected<std::vector<SelectedTopic>, TopicRefusal> select_topics(
    const config::Route& route, std::span<const config::TopicTemplate> topics, Captures captures,
    std::string_view query) {
  if (route.select == config::TopicSelect::query) {
    std::vector<TopicPattern> allowed;
    for (const config::TopicTemplate& topic : topics) {
      auto pattern = name_pattern(topic, captures);
      if (!pattern) return TopicRefused(std::move(pattern.error()));
      allowed.push_back(std::move(*pattern));
    }
    return QueryTopics(route, std::move(allowed)).read(query);
  }
  std::vector<SelectedTopic> selected;
  for (const config::TopicTemplate& topic : topics) {
    auto name = name_topic(topic, captures);
    if (!name) return TopicRefused(std::move(name.error()));
    SelectedTopic one{std::move(*name), false};
    // Captures may make two topics one; a client gets each message once.
    if (std::ranges::find(selected, one) == selected.end()) selected.push_back(std::move(one));
  }
  return selected;
}

}  // namespace peal::server
