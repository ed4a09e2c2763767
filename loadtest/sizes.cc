// SPDX-License-Identifier: Apache-2.0
#include "loadtest/sizes.h"

#include <algorithm>
#include <utility>

#include "config/units.h"
#include "core/base/ascii.h"
#include "loadtest/text.h"

namespace peal::loadtest {
namespace {

constexpr std::uint64_t kMaxWeight = 1'000'000;

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators": the mixer alone.
std::uint64_t mix(std::uint64_t value) {
  value = (value + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

}  // namespace

SizeMix::SizeMix(std::vector<Share> shares) : shares_(std::move(shares)) {
  for (const Share& share : shares_) total_ += share.weight;
}

std::uint32_t SizeMix::least() const {
  return std::ranges::min(shares_, {}, &Share::size).size;
}

std::uint32_t SizeMix::largest() const {
  return std::ranges::max(shares_, {}, &Share::size).size;
}

std::string SizeMix::text() const {
  std::string text;
  for (const Share& share : shares_) {
    if (!text.empty()) text += ", ";
    text += size_text(share.size);
    if (shares_.size() > 1)
      text += " (" + number_text(100.0 * share.weight / static_cast<double>(total_), 3) + " %)";
  }
  return text;
}

std::uint32_t SizeMix::draw(std::uint64_t message) const {
  std::uint64_t ticket = mix(message) % total_;
  for (const Share& share : shares_) {
    if (ticket < share.weight) return share.size;
    ticket -= share.weight;
  }
  std::unreachable();
}

std::expected<SizeMix, std::string> parse_sizes(std::string_view text) {
  std::vector<SizeMix::Share> shares;
  bool good = !text.empty() && text.back() != ',';
  ascii::for_each_list_element(text, [&](std::string_view element) {
    const auto colon = element.find(':');
    const auto size = config::parse_size(element.substr(0, colon));
    const auto weight = colon == std::string_view::npos
                            ? std::optional<std::uint64_t>(1)
                            : ascii::parse_decimal(element.substr(colon + 1));
    good = good && size && *size <= kMaxPayload && weight && *weight > 0 && *weight <= kMaxWeight;
    if (good)
      shares.push_back({static_cast<std::uint32_t>(*size), static_cast<std::uint32_t>(*weight)});
  });
  if (!good || shares.empty())
    return std::unexpected('"' + std::string(text) +
                           "\" is no size such as 64, 16KiB (64MiB at most) or a mix of them with "
                           "weights such as 64:9,1KiB:1");
  return SizeMix(std::move(shares));
}

}  // namespace peal::loadtest
