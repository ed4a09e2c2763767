// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace peal::loadtest {

/// Payload sizes and how often each comes. A value.
class SizeMix {
 public:
  struct Share {
    std::uint32_t size;    ///< bytes of payload
    std::uint32_t weight;  ///< parts of total()
  };

  /// `shares` is not empty, its weights are not 0.
  explicit SizeMix(std::vector<Share> shares);

  const std::vector<Share>& shares() const { return shares_; }
  std::uint32_t least() const;
  std::uint32_t largest() const;
  /// "64 B", "64 B (90 %), 1 KiB (10 %)"
  std::string text() const;

  /// The size of message `sequence` of `source`: drawn by weight, the same whoever asks.
  std::uint32_t pick(std::uint32_t source, std::uint32_t sequence) const {
    if (shares_.size() == 1) return shares_.front().size;
    return draw(std::uint64_t{source} << 32 | sequence);
  }

 private:
  std::uint32_t draw(std::uint64_t message) const;

  std::vector<Share> shares_;
  std::uint64_t total_ = 0;
};

inline constexpr std::uint64_t kMaxPayload = 64 << 20;  ///< bytes

/// "64", "16KiB", or a mix "64:9,1KiB:1". Error: what is wrong, for people.
std::expected<SizeMix, std::string> parse_sizes(std::string_view text);

}  // namespace peal::loadtest
