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
  QueryTopics(const config::Route& route, const TopicChoice& choice)
      : route_(route), choice_(choice) {}

  std::expected<std::vector<SelectedTopic>, TopicRefusal> read(std::string_view query,
                                                               std::size_t least) {
    http::for_each_query_pair(query, [&](std::string_view name, std::string_view value) {
      if (name == "topic" && !refusal_) add(value);
    });
    if (refusal_) return TopicRefused(std::move(*refusal_));
    if (selected_.size() < least)
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
    auto topic = choice_.check(route_, *text);
    if (!topic) return refuse(topic.error().status, topic.error().reason);
    if (std::ranges::find(selected_, *topic) != selected_.end()) return;
    if (selected_.size() == route_.max_topics)
      return refuse(400, "there may be " + std::to_string(route_.max_topics) + " at most");
    selected_.push_back(std::move(*topic));
  }

  const config::Route& route_;
  const TopicChoice& choice_;
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

std::expected<TopicChoice, TopicRefusal> TopicChoice::make(
    std::span<const config::TopicTemplate> topics, Captures captures) {
  std::vector<TopicPattern> allowed;
  for (const config::TopicTemplate& topic : topics) {
    auto pattern = name_pattern(topic, captures);
    if (!pattern) return TopicRefused(std::move(pattern.error()));
    allowed.push_back(std::move(*pattern));
  }
  return TopicChoice(std::move(allowed));
}

std::expected<SelectedTopic, TopicRefusal> TopicChoice::check(const config::Route& route,
                                                              std::string_view text) const {
  if (!config::has_wildcard(text)) {
    const auto has = [&](const TopicPattern& pattern) { return pattern.matches(text); };
    if (const auto problem = config::topic_name_problem(text))
      return TopicRefused({400, std::string(*problem)});
    if (std::ranges::none_of(allowed_, has))
      return TopicRefused({403, "this route does not have it"});
    return SelectedTopic{std::string(text), false};
  }
  const auto pattern = TopicPattern::parse(text);
  const auto covers = [&](const TopicPattern& allowed) { return allowed.covers(*pattern); };
  if (!pattern) return TopicRefused({400, std::string(pattern.error())});
  if (!route.wildcards)
    return TopicRefused({403, "this route takes names of topics, not patterns"});
  if (std::ranges::none_of(allowed_, covers))
    return TopicRefused({403, "this route does not have all that it stands for"});
  return SelectedTopic{std::string(text), true};
}

std::expected<std::vector<SelectedTopic>, TopicRefusal> select_topics(
    const config::Route& route, std::span<const config::TopicTemplate> topics, Captures captures,
    std::string_view query, std::size_t least) {
  if (route.select == config::TopicSelect::query) {
    const auto choice = TopicChoice::make(topics, captures);
    if (!choice) return TopicRefused(choice.error());
    return QueryTopics(route, *choice).read(query, least);
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
