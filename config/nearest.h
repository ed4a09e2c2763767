// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peal::config {

/// The candidate that `word` most likely stands for: the nearest by insertions, deletions,
/// replacements and swaps of neighbours, if near at all; else the only one of which it is the
/// beginning, or that is its beginning, as in "warning"; else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `; did you mean "..."?`, or nothing when no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace peal::config
