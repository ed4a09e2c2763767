// SPDX-License-Identifier: Apache-2.0
// Views of memory. Owner: whoever owns the memory behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace peal {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string_view as_text(Bytes bytes) {
  // The one place where octets are looked at as characters; std::byte may alias anything.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Big-endian ("network order") load. Requires: sizeof(T) bytes at `from`.
template <class T>
T load_be(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
}

/// Big-endian store. Requires: sizeof(T) writable bytes at `to`.
template <class T>
void store_be(std::byte* to, T value) {
  if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) value = static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) value = static_cast<T>(__builtin_bswap64(value));
  std::memcpy(to, &value, sizeof value);
}

}  // namespace peal
