// SPDX-License-Identifier: Apache-2.0
// Checks of what the programmer promised; never of what came from outside.
#pragma once

namespace peal {
[[noreturn, gnu::cold]] void check_failed(const char* condition, const char* file, int line);
}

/// Always on: stops the process when `condition` does not hold.
#define PEAL_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::peal::check_failed(#condition, __FILE__, __LINE__))

/// The same in debug builds only, for what runs once per message.
#ifdef NDEBUG
#define PEAL_DCHECK(condition) void(0)
#else
#define PEAL_DCHECK(condition) PEAL_CHECK(condition)
#endif
