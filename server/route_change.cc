// SPDX-License-Identifier: Apache-2.0
#include "server/route_change.h"

#include <algorithm>
#include <string>

#include "server/router.h"

namespace peal::server {
namespace {

/// All that a template may name: a capture is any one segment, and at the end any number. One that
/// is part of a segment makes no pattern: whoever has such a topic may ask for it again.
std::optional<config::TopicPattern> pattern_of(const config::TopicTemplate& topic,
                                               bool ends_in_rest, std::size_t captures) {
  std::vector<std::string_view> any(captures, "*");
  if (ends_in_rest) any.back() = "**";
  std::string text;
  expand(topic, any, text);
  auto pattern = config::TopicPattern::parse(text);
  return pattern ? std::optional(std::move(*pattern)) : std::nullopt;
}

std::size_t count_captures(const config::Route& route) {
  return config::parse_path_pattern(route.path)->captures().size();  // load() has checked it
}

/// Where clients' messages go; empty: nowhere.
std::string_view target_of(const config::Route& route) {
  return route.publish == config::PublishPolicy::anyone ? std::string_view(route.publish_to)
                                                        : std::string_view();
}

}  // namespace

RouteChange::RouteChange(const Route& before, const Site& now) {
  const config::Route& old = *before.config;
  const Route* same_name = now.find(old.name);
  if (!same_name || same_name->config->type != old.type || same_name->config->select != old.select)
    return;
  next_ = same_name;
  const config::Route& fresh = *next_->config;
  for (const config::Listen& listen : now.config().listen)
    listeners_.push_back(config::answers_on(fresh, listen));
  keeps_publishers_ = target_of(fresh).empty() || target_of(fresh) == target_of(old);
  keeps_choice_ = fresh.topics == old.topics;
  if (keeps_choice_ && fresh.wildcards >= old.wildcards) return;
  auto& topics = topics_.emplace();
  for (const config::TopicTemplate& topic : next_->topics)
    if (auto pattern = pattern_of(topic, next_->ends_in_rest, count_captures(fresh)))
      topics.push_back(std::move(*pattern));
}

bool RouteChange::keeps(std::size_t listener, config::Transport transport, bool speaks_peal_v1,
                        const hub::TopicUse* uses) const {
  if (!next_ || listener >= listeners_.size() || !listeners_[listener]) return false;
  if (next_->config->type != config::RouteType::pubsub) return true;
  const bool websocket = transport == config::Transport::websocket;
  if (!config::offers(*next_->config, transport) || (websocket && !keeps_publishers_)) return false;
  if (!topics_) return true;
  const bool chooses = next_->config->select == config::TopicSelect::query;
  if (speaks_peal_v1 && chooses && !keeps_choice_) return false;
  for (const hub::TopicUse* use = uses; use; use = use->next)
    if (use->subscribes && !has(*use->topic)) return false;
  return true;
}

bool RouteChange::has(const hub::Topic& topic) const {
  if (!topic.is_pattern())
    return std::ranges::any_of(
        *topics_, [&](const config::TopicPattern& has) { return has.matches(topic.name()); });
  const auto pattern = config::TopicPattern::parse(topic.name());
  return next_->config->wildcards && pattern &&
         std::ranges::any_of(*topics_,
                             [&](const config::TopicPattern& has) { return has.covers(*pattern); });
}

}  // namespace peal::server
