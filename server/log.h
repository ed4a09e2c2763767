// SPDX-License-Identifier: Apache-2.0
// The daemon's log, on standard error or in a file. Whoever logs puts a line into a queue; a thread
// of the log's writes it, so that a slow disk holds up nobody. When the queue is full the oldest
// lines go, and a line says how many.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"

namespace peal::server::log {

/// Lines that wait to be written, at most.
inline constexpr std::size_t kQueueLines = 4096;
/// For how long shut_down() waits for whoever takes them.
inline constexpr std::chrono::seconds kPatience{3};

/// Any thread may log after this. Called again, it goes on with other settings: to be called by the
/// same thread then. From the first call on SIGUSR1 opens the file anew, and is blocked in the
/// calling thread and those it starts later. Error: a sentence for the operator; nothing has
/// changed then.
std::expected<void, std::string> set_up(const config::Log& config);

/// Writes what waits, as far as it is taken within kPatience, and ends the thread. Nothing may be
/// logged after it.
void shut_down();

/// Whether lines of that level are written at all.
bool is_on(config::LogLevel level);

/// How many were not written, as they came faster than that could be done, or it failed.
std::uint64_t lines_lost();

/// Writes a line. spdlog stays out of this header: it takes every source that includes it seconds.
void write(config::LogLevel level, fmt::string_view format, fmt::format_args values);

/// One value of a line that has several.
struct Field {
  std::string_view key;
  std::string value;  ///< empty: there is none
  bool is_text = true;
};

/// Writes a line of level info about a connection: in JSON each field has a key of its own.
void write_access(std::span<const Field> fields);

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
