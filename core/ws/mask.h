// SPDX-License-Identifier: Apache-2.0
// Masking, RFC 6455 section 5.3. The operation is its own inverse: a client masks with it as well.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace peal::ws {

/// `key`, as loaded from its four octets, for what follows `size` bytes further on.
constexpr std::uint32_t rotate_key(std::uint32_t key, std::size_t size) {
  return std::rotr(key, static_cast<int>(size % 4 * 8));
}

/// Unmasks `bytes` where they lie; any size and alignment. Returns whether all are ASCII once
/// unmasked, which text mostly is and then needs no Utf8Validator.
bool unmask(MutableBytes bytes, std::uint32_t key);

/// Unmasks `from` into `to`. A key of 0 just copies. Requires: from.size() writable bytes at `to`,
/// which may overlap `from` when they begin in front of it. Returns as unmask().
bool unmask_copy(std::byte* to, Bytes from, std::uint32_t key);

}  // namespace peal::ws
