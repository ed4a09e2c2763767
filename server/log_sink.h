// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <string>

#include "config/config.h"
#include "core/base/fd.h"

namespace peal::server::log {

/// The logger of lines whose text is JSON already, keys and values of an object.
inline constexpr const char* kFieldsLogger = "fields";

/// Where lines go: standard error or a file, each with one write(2). On standard error that leads
/// to the journal each has its priority in front, "<6>" (sd-daemon(3)), and in text no time.
///
/// Owner: the log. Thread: the log's; use() and ask_to_reopen() from any.
/// Errors: a line that cannot be written is lost, and counted.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `overrun`: how many lines the queue has given up so far.
  explicit LineSink(std::function<std::uint64_t()> overrun) : overrun_(std::move(overrun)) {}

  /// Takes other settings. Error: why the file cannot be opened; the old ones stay then.
  std::expected<void, std::string> use(const config::Log& config);
  /// The next line goes into the file that has the name then. From a signal handler, too.
  void ask_to_reopen() { reopen_.store(true, std::memory_order_relaxed); }

  std::uint64_t unwritten() const { return unwritten_.load(std::memory_order_relaxed); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  void reopen();
  void tell_lost(spdlog::log_clock::time_point now);
  void write(const spdlog::details::log_msg& message);

  const std::function<std::uint64_t()> overrun_;
  std::uint64_t told_ = 0;  // of those
  spdlog::log_clock::time_point next_look_{};
  std::string path_;  // empty: standard error
  Fd file_;
  bool journal_ = false;
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> unwritten_{0};
};

}  // namespace peal::server::log
