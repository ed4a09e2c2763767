// SPDX-License-Identifier: Apache-2.0
// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace peal::loadtest {

/// With `digits` significant digits, more where they stand before the point: "0.123", "12.3",
/// "12345"; a whole number without a point.
std::string number_text(double value, int digits = 3);

/// "1,234,567"
std::string grouped(std::uint64_t value);

/// "85 ns", "12.3 µs", "4.56 ms", "1.20 s"
std::string time_text(double nanoseconds);

/// "64 B", "16 KiB", "1.5 MiB"
std::string size_text(double bytes);

/// "12.5 MB/s"
std::string byte_rate_text(double bytes_per_second);

}  // namespace peal::loadtest
