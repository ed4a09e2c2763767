// SPDX-License-Identifier: Apache-2.0
#include "loadtest/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/base/utf8.h"

namespace peal::loadtest {
namespace {

std::string fixed(double value, int decimals) {
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string number_text(double value, int digits) {
  if (value == std::round(value)) return fixed(value, 0);
  const int magnitude = static_cast<int>(std::floor(std::log10(std::fabs(value))));
  return fixed(value, std::max(0, digits - 1 - magnitude));
}

std::string grouped(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string rate_text(double per_second) {
  if (per_second < 99.95) return number_text(per_second);
  return grouped(static_cast<std::uint64_t>(std::llround(per_second)));
}

std::string time_text(double nanoseconds) {
  if (nanoseconds < 1e3) return fixed(nanoseconds, 0) + " ns";
  if (nanoseconds < 1e6) return number_text(nanoseconds / 1e3) + " µs";
  if (nanoseconds < 1e9) return number_text(nanoseconds / 1e6) + " ms";
  return number_text(nanoseconds / 1e9) + " s";
}

std::string size_text(double bytes) {
  if (std::fabs(bytes) < 1024) return number_text(std::round(bytes)) + " B";
  if (std::fabs(bytes) < 1 << 20) return number_text(bytes / 1024) + " KiB";
  if (std::fabs(bytes) < 1 << 30) return number_text(bytes / (1 << 20)) + " MiB";
  return number_text(bytes / (1 << 30)) + " GiB";
}

std::string printable(std::string_view text) {
  const bool utf8 = is_utf8(as_bytes(text));
  std::string shown(text);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are controls as well: C2 and one more octet below A0.
    const bool control = octet < ' ' || octet == 0x7f ||
                         (utf8 && octet == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0);
    if (control || (octet > '~' && !utf8)) shown[i] = '?';
    if (control && octet == 0xc2) shown[++i] = '?';
  }
  return shown;
}

std::string byte_rate_text(double bytes_per_second) {
  if (bytes_per_second < 1e3) return number_text(bytes_per_second) + " B/s";
  if (bytes_per_second < 1e6) return number_text(bytes_per_second / 1e3) + " kB/s";
  if (bytes_per_second < 1e9) return number_text(bytes_per_second / 1e6) + " MB/s";
  return number_text(bytes_per_second / 1e9) + " GB/s";
}

}  // namespace peal::loadtest
