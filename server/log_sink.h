// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "core/base/fd.h"
#include "core/base/time.h"

namespace peal::server::log {

/// The logger of lines whose text is JSON already, keys and values of an object.
inline constexpr const char* kFieldsLogger = "fields";

/// Where lines go: standard error or a file, each with one write(2), unless it is longer than a
/// pipe takes at once (PIPE_BUF). On standard error that leads to the journal each has its priority
/// in front, "<6>" (sd-daemon(3)), and in text no time.
///
/// Owner: the log. Thread: the log's; use(), finish_within() and ask_to_reopen() from any.
/// Errors: a line that cannot be written is lost, and counted.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// `overrun`: how many lines the queue has given up so far.
  explicit LineSink(std::function<std::uint64_t()> overrun);

  /// Takes other settings, from the next line on; does not wait for one that is being written.
  /// Error: why the file cannot be opened; the old ones stay then.
  std::expected<void, std::string> use(const config::Log& config);
  /// The next line goes into the file that has the name then. From a signal handler, too.
  void ask_to_reopen() { reopen_.store(true, std::memory_order_relaxed); }
  /// After `time`, lines that find no room at once are lost.
  void finish_within(Duration time);

  std::uint64_t unwritten() const { return unwritten_.load(std::memory_order_relaxed); }

 private:
  struct Output {
    std::string path;  // empty: standard error
    Fd file;
    bool journal = false;
    std::unique_ptr<spdlog::formatter> formatter;

    int fd() const { return file ? file.get() : STDERR_FILENO; }
  };

  enum class Room : std::uint8_t { there, interrupted, over };

  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

  bool begin_line();
  Room wait_for_room() const;
  void take_up_next();
  void reopen();
  void tell_lost(spdlog::log_clock::time_point now);
  bool write(const spdlog::details::log_msg& message);
  bool write_all(std::string_view text);

  const std::function<std::uint64_t()> overrun_;
  std::uint64_t told_ = 0;  // of those, and of those that were not written
  spdlog::log_clock::time_point next_look_{};
  Output output_;
  bool torn_ = false;  // the last line has no end
  std::mutex next_mutex_;
  std::optional<Output> next_;
  Fd changed_;  // an eventfd(2): there is a next output
  Fd over_;     // a timerfd(2): nothing is waited for any more
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> unwritten_{0};
};

}  // namespace peal::server::log
