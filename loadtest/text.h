// SPDX-License-Identifier: Apache-2.0
// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::loadtest {

/// With `digits` significant digits, more where they stand before the point: "0.123", "12.3",
/// "12345"; a whole number without a point.
std::string number_text(double value, int digits = 3);

/// "1,234,567"
std::string grouped(std::uint64_t value);

/// Of events a second: "0.5", "12.3", "1,234".
std::string rate_text(double per_second);

/// "85 ns", "12.3 µs", "4.56 ms", "1.20 s"
std::string time_text(double nanoseconds);

/// "64 B", "16 KiB", "1.5 MiB"
std::string size_text(double bytes);

/// What somebody else wrote, without what a terminal might obey: "?" for each octet of that, and of
/// what is not UTF-8.
std::string printable(std::string_view text);

/// "12.5 MB/s"
std::string byte_rate_text(double bytes_per_second);

}  // namespace peal::loadtest
