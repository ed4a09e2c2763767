// SPDX-License-Identifier: Apache-2.0
#include "config/validate_topics.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/document.h"
#include "config/names.h"
#include "config/topic_pattern.h"

namespace peal::config {
namespace {

constexpr std::size_t kMaxPublishTopics = 16;

/// What looks like a pattern of another language; empty where nothing does.
std::string slip(std::string_view pattern) {
  while (!pattern.empty()) {
    const std::string_view segment = take_topic_segment(pattern);
    if (segment != "*" && segment != "**" && segment.find('*') != std::string_view::npos)
      return "\"*\" is a whole segment, not a part of one: " + in_quotes(segment);
  }
  return {};
}

/// The topic, or the pattern, that a template names when each capture is one plain segment.
std::string sample(const TopicTemplate& topic) {
  std::string text;
  for (const auto& piece : topic.pieces) text += piece.capture ? "x" : piece.literal;
  return text;
}

class RouteTopics {
 public:
  RouteTopics(const Route& route, const PathPattern& path, Diagnosis& diagnosis)
      : route_(route), path_(path), diagnosis_(diagnosis) {}

  void run() {
    check_number();
    for (std::size_t i = 0; i < route_.topics.size(); ++i) {
      const std::string& topic = route_.topics[i];
      const std::string why = chosen() ? pattern_problem(topic) : name_problem(topic);
      if (!why.empty()) diagnosis_.report_item(key("topics"), i, message(topic, why));
    }
    if (route_.type != RouteType::pubsub) return;
    check_publish_to();
    if (!chosen() && route_.wildcards)
      diagnosis_.report(key("wildcards"),
                        "expected only where select is \"query\", found where it is "
                        "\"route\"");
  }

 private:
  std::string key(std::string_view name) const {
    return "route." + route_.name + '.' + std::string(name);
  }

  /// Whether clients choose the topics.
  bool chosen() const {
    return route_.type == RouteType::pubsub && route_.select == TopicSelect::query;
  }

  std::string message(const std::string& topic, const std::string& why) const {
    return std::string("expected a ") +
           (chosen() ? "pattern such as \"prices/*\"" : "topic such as \"chat/{room}\"") +
           ", found " + in_quotes(topic) + ": " + why;
  }

  void check_number() {
    if (diagnosis_.failed(key("topics"))) return;
    if (route_.topics.empty())
      diagnosis_.report(key("topics"), chosen() ? "expected at least one pattern, found none"
                                                : "expected at least one topic, found none");
    if (route_.type == RouteType::publish && route_.topics.size() > kMaxPublishTopics)
      diagnosis_.report(key("topics"), "expected at most " + std::to_string(kMaxPublishTopics) +
                                           " topics, found " +
                                           std::to_string(route_.topics.size()));
  }

  /// Why `text` can name no topic; empty when it can.
  std::string name_problem(const std::string& text) const {
    const auto topic = parse_topic_template(text, path_);
    if (!topic) return topic.error();
    const std::string name = sample(*topic);
    if (has_wildcard(name) && route_.type == RouteType::pubsub)
      return "a pattern needs select = \"query\"";
    return std::string(topic_name_problem(name).value_or(""));
  }

  std::string pattern_problem(const std::string& text) const {
    const auto topic = parse_topic_template(text, path_);
    if (!topic) return topic.error();
    if (const auto parsed = TopicPattern::parse(sample(*topic)); !parsed)
      return std::string(parsed.error());
    return slip(text);
  }

  void check_publish_to() {
    const std::string publish_to = key("publish_to");
    if (diagnosis_.failed(publish_to)) return;
    const bool anyone = route_.publish == PublishPolicy::anyone;
    if (chosen() && route_.publish_to.empty()) {
      if (anyone)
        diagnosis_.report(
            publish_to,
            "expected the topic that messages go to, as with select = \"query\" there "
            "is no first one, found nothing");
      return;
    }
    if (!diagnosis_.given(publish_to)) return;
    const auto topic = parse_topic_template(route_.publish_to, path_);
    const std::string why =
        topic ? std::string(topic_name_problem(sample(*topic)).value_or("")) : topic.error();
    if (!why.empty())
      diagnosis_.report(publish_to, "expected a topic such as \"chat/{room}\", found " +
                                        in_quotes(route_.publish_to) + ": " + why);
  }

  const Route& route_;
  const PathPattern& path_;
  Diagnosis& diagnosis_;
};

std::string topic_key(const Topic& topic, std::string_view name) {
  return "topic." + topic.name + '.' + std::string(name);
}

/// The pattern of a class; nullopt when it has none that could be read.
std::optional<TopicPattern> check_match(const Topic& topic, Diagnosis& diagnosis) {
  const std::string match = topic_key(topic, "match");
  if (!diagnosis.given(match) || diagnosis.failed(match)) return std::nullopt;
  auto pattern = TopicPattern::parse(topic.match);
  std::string why = pattern ? slip(topic.match) : std::string(pattern.error());
  if (why.empty() && topic.match.find_first_of("{}") != std::string::npos)
    why = "captures are for routes; \"*\" stands for one segment here";
  if (why.empty()) return *pattern;
  diagnosis.report(match, "expected a pattern such as \"chat/**\", found " +
                              in_quotes(topic.match) + ": " + why);
  return std::nullopt;
}

/// One form for all that match the same.
std::string shape(const TopicPattern& pattern) {
  std::string text;
  for (const auto& segment : pattern.segments()) {
    using enum TopicPattern::Segment::Kind;
    text += segment.kind == literal ? segment.text : segment.kind == one ? "*" : "**";
    text += '/';
  }
  return text;
}

void check_history(const Topic& topic, Diagnosis& diagnosis) {
  const std::string size = topic_key(topic, "history.size");
  if (topic.history && !diagnosis.given(size))
    diagnosis.report(size, "expected how many messages to keep, found nothing");
}

}  // namespace

void validate_route_topics(const Route& route, const PathPattern& path, Diagnosis& diagnosis) {
  RouteTopics(route, path, diagnosis).run();
}

void validate_topic_classes(const Config& config, Diagnosis& diagnosis) {
  std::map<std::string, const Topic*> taken;
  for (const Topic& topic : config.topics) {
    check_history(topic, diagnosis);
    const auto pattern = check_match(topic, diagnosis);
    if (!pattern) continue;
    const std::string match = topic_key(topic, "match");
    if (topic.name == kDefaultTopicClass && shape(*pattern) != "**/")
      diagnosis.report(match,
                       "expected \"**\" where the class is named \"default\", as what no other "
                       "class matches is of that name, found " +
                           in_quotes(topic.match));
    // Two that differ are never as specific as each other: they part at a segment.
    const auto [first, is_new] = taken.emplace(shape(*pattern), &topic);
    if (is_new) continue;
    const Topic& other = *first->second;
    diagnosis.report(match, "expected a pattern that no other class can tie with, found " +
                                in_quotes(topic.match) + ", which matches what topic." +
                                other.name + " has as " + in_quotes(other.match) + " (" +
                                diagnosis.where(topic_key(other, "match")) + ")");
  }
}

}  // namespace peal::config
