// SPDX-License-Identifier: Apache-2.0
// Other policies while there are topics already.
#include <utility>

#include "core/hub/home.h"

namespace peal::hub {
namespace {

constexpr int kFollowersPerTurn = 256;  // topics, some tens of microseconds

}  // namespace

/// What is linked in the lists of earlier policies stays there until its topic follows.
void Home::set_policies(const TopicPolicies& policies) {
  setup_.policies = &policies;
  ++policies_;
  follower_ = 0;
  earlier_lists_ = histories_.size();
  for (std::size_t i = 0; i < policies.count(); ++i) {
    histories_.emplace_back();
    paces_.emplace_back();
  }
}

/// First those with a history, newest first, so that they are in order, in front of those that are
/// published to meanwhile; then all others. What is linked as a pace becomes due by itself, within
/// a second.
bool Home::follow_policies() {
  if (!follows_policies()) return false;
  int left = kFollowersPerTurn;
  for (History* history = newest_to_follow(); history; history = newest_to_follow()) {
    if (left-- == 0) return true;
    HomeTopic& topic = *topics_.find(history->topic());
    follow(topic);
    end_if_unused(topic);
  }
  for (; follower_ < topics_.slots(); ++follower_) {
    if (left-- == 0) return true;
    HomeTopic* topic = topics_.at_index(follower_);
    if (!topic) continue;
    keep_up(*topic);
    end_if_unused(*topic);
  }
  for (; earlier_lists_ > 0 && paces_.front().empty(); --earlier_lists_) {
    histories_.pop_front();
    paces_.pop_front();
  }
  return false;
}

/// Of those in the lists of earlier policies; null when there is none.
History* Home::newest_to_follow() {
  History* found = nullptr;
  for (std::size_t i = 0; i < earlier_lists_; ++i) {
    History* history = histories_[i].back();
    if (history && (!found || history->newest() > found->newest())) found = history;
  }
  return found;
}

void Home::follow(HomeTopic& topic) {
  topic.policies = policies_;
  topic.policy = &setup_.policies->of(topic.name);
  follow_history(topic, *topic.policy);
  follow_pace(topic, *topic.policy);
}

void Home::follow_history(HomeTopic& topic, const TopicPolicy& policy) {
  if (!topic.history) {
    if (policy.history_size == 0) return;
    topic.history = std::make_unique<History>(topic.id, policy);
    history_bytes_ += kTopicCost;
    return;
  }
  if (policy.history_size == 0) return drop_history(topic);
  History& history = *topic.history;
  history.set_policy(policy);
  if (history.empty()) return;  // and in no list, or in that of those that are bare
  history.unlink();
  histories_like(topic).push_front(history);
  if (history.surplus() > 0) surplus_.push_back(topic.id);
}

/// A message that waits goes at once where nothing has to wait any more.
void Home::follow_pace(HomeTopic& topic, const TopicPolicy& policy) {
  if (policy.pace > Duration::zero()) {
    if (!topic.pace) topic.pace = std::make_unique<Pace>(topic.id);
    return;
  }
  const std::unique_ptr<Pace> pace = std::exchange(topic.pace, nullptr);
  if (!pace || !pace->newest) return;
  fan_out(topic, pace->newest, {}, *setup_.now);
  memory_.release(pace->newest);
}

}  // namespace peal::hub
