// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/path_pattern.h"

namespace peal::server {

/// The topics that the messages of a batch may go to: those of the route, as far as the path of the
/// request says which, and any that they leave open. A {param} that is "*" is open, and stands for
/// one segment of a topic or a part of one; so is the end of a {rest...} that is empty or ends in
/// "/". So of a route for "{topic}" at "/publish/{topic...}", a batch to "/publish/" may name any
/// topic, one to "/publish/chat/" those beneath "chat", and one to "/publish/chat/lobby" that one.
///
/// A value that holds no view.
class BatchTopics {
 public:
  /// `rest`: whether the last of the captures is a {rest...}.
  BatchTopics(std::span<const config::TopicTemplate> topics,
              std::span<const std::string_view> captures, bool rest);

  /// Requires: no config::topic_name_problem().
  bool has(std::string_view topic) const;

  /// The topic of messages that name none: the only one there is. Nullopt: they must name one. It
  /// may have a config::topic_name_problem().
  const std::optional<std::string>& only() const { return only_; }

  /// What there is, to be told to people: "chat/" with a "*" for a segment, "**" for any end.
  std::vector<std::string> describe() const;

 private:
  /// A part of a topic: `text`, and behind it what the path leaves open.
  struct Piece {
    enum class Open : std::uint8_t { nothing, segment, rest };

    std::string text = {};
    Open open = Open::nothing;
    std::size_t capture = 0;  ///< the same one means the same text
  };
  using Pieces = std::vector<Piece>;

  class Match;

  static Piece read(std::string_view value, bool is_rest, std::size_t capture);

  std::vector<Pieces> topics_;
  std::optional<std::string> only_;
};

}  // namespace peal::server
