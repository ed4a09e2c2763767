// SPDX-License-Identifier: Apache-2.0
// Memory that nobody may touch for now, for AddressSanitizer to watch; nothing without it.
#pragma once

#include <cstddef>
#include <span>

#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer)
#define PEAL_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)  // g++
#define PEAL_ADDRESS_SANITIZER
#endif

#ifdef PEAL_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace peal {

/// From here to unpoison() each access is an error. The kernel may write there.
inline void poison([[maybe_unused]] std::span<const std::byte> memory) {
#ifdef PEAL_ADDRESS_SANITIZER
  __asan_poison_memory_region(memory.data(), memory.size());
#endif
}

inline void unpoison([[maybe_unused]] std::span<const std::byte> memory) {
#ifdef PEAL_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(memory.data(), memory.size());
#endif
}

}  // namespace peal
