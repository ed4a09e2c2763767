// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/hash.h"
#include "core/base/slab.h"

namespace peal::hub {

/// Patterns of topics, found by a topic: "*" stands for one segment, "**" at the end for any
/// number, none included. The cost of a look-up grows with the segments of the topic and with the
/// patterns that it begins like, not with the number of others.
///
/// Owner: a Home. Thread: the shard's.
class PatternTrie {
 public:
  /// Requires: `pattern` is not in it.
  void add(std::string_view pattern, SlotId id);
  /// Requires: it is in it.
  void remove(std::string_view pattern);
  /// Appends the ids of those that match.
  void match(std::string_view topic, std::vector<SlotId>& ids) const;

  bool empty() const { return size_ == 0; }

 private:
  /// What is left of a topic or a pattern, segment by segment.
  class Segments {
   public:
    explicit Segments(std::string_view text) : text_(text) {}
    bool at_end() const { return at_end_; }
    /// Takes the first one off. Requires: not at_end().
    std::string_view take();

   private:
    std::string_view text_;
    bool at_end_ = false;
  };

  struct Node {
    std::unordered_map<std::string, std::unique_ptr<Node>, KeyedTextHash, std::equal_to<>> literals;
    std::unique_ptr<Node> one;   // behind "*"
    std::optional<SlotId> here;  // the pattern that ends here
    std::optional<SlotId> rest;  // the one that ends in "**" here

    bool empty() const { return literals.empty() && !one && !here && !rest; }
  };

  static void match(const Node& node, Segments topic, std::vector<SlotId>& ids);
  static void remove(Node& node, Segments pattern);

  Node root_;
  std::size_t size_ = 0;
};

}  // namespace peal::hub
