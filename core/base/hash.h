// SPDX-License-Identifier: Apache-2.0
// Hashes of what strangers choose: without the key nobody finds texts that share a bucket.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace peal {

struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"), the variant for tables.
std::uint64_t siphash(Bytes bytes, HashKey key);

/// The key of this process, drawn at random when first asked for. A test that must repeat itself
/// sets it before anything is hashed.
HashKey& process_hash_key();

/// siphash() with the key of this process. Any thread.
inline std::uint64_t keyed_hash(Bytes bytes) {
  return siphash(bytes, process_hash_key());
}

/// Looks std::string keys up by std::string_view, for std::unordered_map.
struct KeyedTextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return keyed_hash(as_bytes(text)); }
};

}  // namespace peal
