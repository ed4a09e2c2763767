// SPDX-License-Identifier: Apache-2.0
// Durations, sizes and rates as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace peal::config {

/// "250ms" "10s" "5m" "1h", and "0". Whole numbers only; nullopt for anything else or an overflow.
std::optional<Milliseconds> parse_duration(std::string_view text);

/// "64KiB" "1MiB" "1GiB", or a plain number of bytes; nullopt for anything else or an overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// "2000/s", and "0"; nullopt for anything else or an overflow.
std::optional<std::uint64_t> parse_rate(std::string_view text);

/// Permissions in octal, "0660"; nullopt for anything else.
std::optional<std::uint32_t> parse_mode(std::string_view text);

/// "0660"
std::string format_mode(std::uint32_t mode);

/// In the largest unit that loses nothing: "90s", "2m", "0s".
std::string format_duration(Milliseconds duration);

/// In the largest unit that loses nothing: "1536KiB", "1000".
std::string format_size(std::uint64_t bytes);

/// "2000/s".
std::string format_rate(std::uint64_t per_second);

}  // namespace peal::config
