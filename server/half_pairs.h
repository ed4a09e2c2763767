// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace peal::server {

/// Writes "?" for each escape in JSON that is half a surrogate pair, such as "\ud83d" without its
/// "\ude00": RFC 8259 section 8.2 allows it, but it is no character, and simdjson takes it for a
/// mistake. True when there was any.
bool replace_half_pairs(std::span<char> json);

}  // namespace peal::server
