// SPDX-License-Identifier: Apache-2.0
#include "server/batch_topics.h"

#include <algorithm>
#include <array>

namespace peal::server {
namespace {

// Tries of one match. A sane template needs a handful; one such as "{a}{b}{c}{a}" could be made to
// take for ever, and then has no topic that takes longer to find than this.
constexpr int kMaxTries = 2000;

}  // namespace

BatchTopics::Piece BatchTopics::read(std::string_view value, bool is_rest, std::size_t capture) {
  if (is_rest && (value.empty() || value.ends_with('/')))
    return {std::string(value), Piece::Open::rest, capture};
  if (!is_rest && value == "*") return {{}, Piece::Open::segment, capture};
  return {std::string(value), Piece::Open::nothing, capture};
}

BatchTopics::BatchTopics(std::span<const config::TopicTemplate> topics,
                         std::span<const std::string_view> captures, bool rest) {
  for (const config::TopicTemplate& topic : topics) {
    Pieces pieces;
    for (const auto& piece : topic.pieces) {
      const std::size_t capture = piece.capture.value_or(0);
      const bool is_rest = rest && capture + 1 == captures.size();
      pieces.push_back(piece.capture ? read(captures[capture], is_rest, capture)
                                     : Piece{.text = piece.literal});
    }
    topics_.push_back(std::move(pieces));
  }
  std::vector<std::string> names;
  for (const Pieces& pieces : topics_) {
    if (!std::ranges::all_of(pieces, [](const Piece& p) { return p.open == Piece::Open::nothing; }))
      return;
    std::string name;
    for (const Piece& piece : pieces) name += piece.text;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  if (names.size() == 1) only_ = std::move(names.front());
}

std::vector<std::string> BatchTopics::describe() const {
  std::vector<std::string> all;
  for (const Pieces& pieces : topics_) {
    std::string& text = all.emplace_back();
    for (const Piece& piece : pieces) {
      text += piece.text;
      if (piece.open != Piece::Open::nothing) text += piece.open == Piece::Open::rest ? "**" : "*";
    }
  }
  return all;
}

/// One template against one topic, the longest readings of what is open first.
class BatchTopics::Match {
 public:
  explicit Match(const Pieces& pieces) : pieces_(pieces) {}

  bool run(std::string_view topic) { return from(0, topic); }

 private:
  bool from(std::size_t index, std::string_view topic) {
    if (++tries_ > kMaxTries) return false;
    if (index == pieces_.size()) return topic.empty();
    const Piece& piece = pieces_[index];
    if (!topic.starts_with(piece.text)) return false;
    topic.remove_prefix(piece.text.size());
    if (piece.open == Piece::Open::nothing) return from(index + 1, topic);
    auto& known = known_[piece.capture];
    if (known) return topic.starts_with(*known) && from(index + 1, topic.substr(known->size()));
    const bool segment = piece.open == Piece::Open::segment;
    const std::size_t least = segment ? 1 : 0;
    const std::size_t most = segment ? std::min(topic.find('/'), topic.size()) : topic.size();
    for (std::size_t size = most + 1; size-- > least;) {
      known = topic.substr(0, size);
      if (from(index + 1, topic.substr(size))) return true;
    }
    known.reset();
    return false;
  }

  const Pieces& pieces_;
  std::array<std::optional<std::string_view>, config::kMaxCaptures> known_{};
  int tries_ = 0;
};

bool BatchTopics::has(std::string_view topic) const {
  return std::ranges::any_of(topics_,
                             [&](const Pieces& pieces) { return Match(pieces).run(topic); });
}

}  // namespace peal::server
