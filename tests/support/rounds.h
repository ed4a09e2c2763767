// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // g++
constexpr bool kSanitized = true;
#elif defined(__has_feature)  // clang
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// How many of `count` rounds to run: that a property holds is for the build without sanitizers to
/// show; what they look for shows in a tenth of the time.
constexpr std::uint64_t rounds(std::uint64_t count) {
  return kSanitized ? count / 10 : count;
}

}  // namespace peal::test
