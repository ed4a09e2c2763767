// SPDX-License-Identifier: Apache-2.0
// The daemon's log, on standard error; the only user of spdlog.
#pragma once

#include <fmt/core.h>

#include "config/config.h"

namespace peal::server::log {

/// Any thread may log after this, and meanwhile where it is not the first time.
void set_up(const config::Log& config);

/// Whether lines of that level are written at all.
bool is_on(config::LogLevel level);

/// Writes a line. spdlog stays out of this header: it takes every source that includes it seconds.
void write(config::LogLevel level, fmt::string_view format, fmt::format_args values);

// log::info("reactor {}: {}", index, text); the format is checked when it is compiled.

template <class... Values>
void debug(fmt::format_string<Values...> format, Values&&... values) {
  if (is_on(config::LogLevel::debug))
    write(config::LogLevel::debug, format, fmt::make_format_args(values...));
}
template <class... Values>
void info(fmt::format_string<Values...> format, Values&&... values) {
  if (is_on(config::LogLevel::info))
    write(config::LogLevel::info, format, fmt::make_format_args(values...));
}
template <class... Values>
void warn(fmt::format_string<Values...> format, Values&&... values) {
  if (is_on(config::LogLevel::warn))
    write(config::LogLevel::warn, format, fmt::make_format_args(values...));
}
template <class... Values>
void error(fmt::format_string<Values...> format, Values&&... values) {
  if (is_on(config::LogLevel::error))
    write(config::LogLevel::error, format, fmt::make_format_args(values...));
}

}  // namespace peal::server::log
