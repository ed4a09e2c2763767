// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "config/document.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kLeastBeginning = 3;

/// Damerau-Levenshtein distance in its restricted form; case does not count.
std::size_t distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto cell = [&](std::size_t i, std::size_t j) -> std::size_t& {
    return cells[i * width + j];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) cell(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cell(0, j) = j;
  const auto same = [&](std::size_t i, std::size_t j) {
    return ascii::lower(a[i - 1]) == ascii::lower(b[j - 1]);
  };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      cell(i, j) = std::min(
          {cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (same(i, j) ? 0 : 1)});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j))
        cell(i, j) = std::min(cell(i, j), cell(i - 2, j - 2) + 1);
    }
  }
  return cell(a.size(), b.size());
}

bool begins_with(std::string_view word, std::string_view beginning) {
  return beginning.size() >= kLeastBeginning &&
         ascii::equal_ignoring_case(word.substr(0, beginning.size()), beginning);
}

/// The only candidate that begins as `word` does, as far as the shorter one goes.
std::string_view with_same_beginning(std::string_view word,
                                     std::span<const std::string_view> candidates) {
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (!begins_with(word, candidate) && !begins_with(candidate, word)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kMaxWord) return {};
  std::size_t best = std::clamp<std::size_t>(word.size() / 3, 1, 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const std::size_t apart = distance(word, candidate);
    if (apart >= best || apart >= candidate.size()) continue;
    best = apart;
    found = candidate;
  }
  return found.empty() ? with_same_beginning(word, candidates) : found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto found = nearest(word, candidates);
  return found.empty() ? std::string{} : "; did you mean " + in_quotes(found) + "?";
}

}  // namespace peal::config
