// SPDX-License-Identifier: Apache-2.0
#include "core/hub/pattern_trie.h"

#include "core/base/check.h"

namespace peal::hub {
namespace {

constexpr std::string_view kOne = "*";
constexpr std::string_view kRest = "**";

}  // namespace

std::string_view PatternTrie::Segments::take() {
  PEAL_DCHECK(!at_end_);
  const std::size_t end = text_.find('/');
  const std::string_view segment = text_.substr(0, end);
  at_end_ = end == text_.npos;
  if (!at_end_) text_.remove_prefix(end + 1);
  return segment;
}

void PatternTrie::add(std::string_view pattern, SlotId id) {
  Node* node = &root_;
  for (Segments left(pattern); !left.at_end();) {
    const std::string_view segment = left.take();
    if (segment == kRest) {
      PEAL_CHECK(left.at_end() && !node->rest);
      node->rest = id;
      ++size_;
      return;
    }
    auto found = node->literals.find(segment);
    if (segment != kOne && found == node->literals.end())
      found = node->literals.emplace(segment, nullptr).first;
    std::unique_ptr<Node>& next = segment == kOne ? node->one : found->second;
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  PEAL_CHECK(!node->here);
  node->here = id;
  ++size_;
}

void PatternTrie::remove(std::string_view pattern) {
  remove(root_, Segments(pattern));
  --size_;
}

/// Takes nodes away that nothing is left in.
void PatternTrie::remove(Node& node, Segments pattern) {
  if (pattern.at_end()) {
    node.here.reset();
    return;
  }
  const std::string_view segment = pattern.take();
  if (segment == kRest) {
    node.rest.reset();
  } else if (segment == kOne) {
    remove(*node.one, pattern);
    if (node.one->empty()) node.one.reset();
  } else {
    const auto found = node.literals.find(segment);
    PEAL_CHECK(found != node.literals.end());
    remove(*found->second, pattern);
    if (found->second->empty()) node.literals.erase(found);
  }
}

void PatternTrie::match(std::string_view topic, std::vector<SlotId>& ids) const {
  if (!empty()) match(root_, Segments(topic), ids);
}

void PatternTrie::match(const Node& node, Segments topic, std::vector<SlotId>& ids) {
  if (node.rest) ids.push_back(*node.rest);
  if (topic.at_end()) {
    if (node.here) ids.push_back(*node.here);
    return;
  }
  const std::string_view segment = topic.take();
  if (const auto found = node.literals.find(segment); found != node.literals.end())
    match(*found->second, topic, ids);
  if (node.one) match(*node.one, topic, ids);
}

}  // namespace peal::hub
