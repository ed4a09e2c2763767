// SPDX-License-Identifier: Apache-2.0
#include "server/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "server/journal.h"

namespace peal::server::log {
namespace {

constexpr auto kLookPause = std::chrono::seconds(1);
constexpr mode_t kFileMode = 0640;
constexpr std::size_t kPiece = PIPE_BUF;

/// The message as a member of a JSON object (RFC 8259 section 7). What clients send may be in it.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const std::string_view logger(message.logger_name.data(), message.logger_name.size());
    if (logger == kFieldsLogger) {
      out.append(text.data(), text.data() + text.size());
      return;
    }
    constexpr std::string_view kKey = R"("message":")";
    out.append(kKey.data(), kKey.data() + kKey.size());
    for (const char c : text) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (octet < 0x20) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", octet);
      } else {
        out.push_back(c);
      }
    }
    out.push_back('"');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::unique_ptr<spdlog::formatter> make_formatter(config::LogFormat format, bool journal) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (format == config::LogFormat::json) {
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,%*})");
  } else {
    formatter->set_pattern(journal ? "%v" : "%Y-%m-%d %H:%M:%S.%e %l: %v");
  }
  return formatter;
}

Fd open_file(const std::string& path) {
  // Without O_NONBLOCK, opening a FIFO would wait for its reader.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  return Fd(::open(path.c_str(), kFlags, kFileMode));
}

/// syslog(3) calls them LOG_ERR and so on.
std::string_view priority_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "<3>";
  if (level == spdlog::level::warn) return "<4>";
  return level == spdlog::level::info ? "<6>" : "<7>";
}

}  // namespace

LineSink::LineSink(std::function<std::uint64_t()> overrun)
    : overrun_(std::move(overrun)),
      changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      over_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {}

std::expected<void, std::string> LineSink::use(const config::Log& config) {
  Output output{.path = config.file, .file = {}, .journal = false, .formatter = nullptr};
  if (!output.path.empty()) {
    output.file = open_file(output.path);
    if (!output.file)
      return std::unexpected("log.file: " + output.path + ": " + std::strerror(errno));
  }
  output.journal =
      output.path.empty() && leads_to_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
  output.formatter = make_formatter(config.format, output.journal);
  const std::lock_guard lock(next_mutex_);
  next_ = std::move(output);
  eventfd_write(changed_.get(), 1);
  return {};
}

void LineSink::finish_within(Duration time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const itimerspec when{
      .it_interval = {},
      .it_value = {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()}};
  timerfd_settime(over_.get(), 0, &when, nullptr);
}

void LineSink::sink_it_(const spdlog::details::log_msg& message) {
  if (begin_line()) {
    tell_lost(message.time);
    if (write(message)) return;
  }
  unwritten_.fetch_add(1, std::memory_order_relaxed);
}

/// Waits until the output that is to be used by then has room. False when it is too late for that.
bool LineSink::begin_line() {
  while (true) {
    take_up_next();
    if (reopen_.exchange(false, std::memory_order_relaxed) && !output_.path.empty()) reopen();
    const Room room = wait_for_room();
    if (room != Room::interrupted) return room == Room::there;
  }
}

/// For PIPE_BUF bytes, with which write(2) does not block then. SIGUSR1 and another output
/// interrupt it.
LineSink::Room LineSink::wait_for_room() const {
  std::array<pollfd, 3> events{{{.fd = output_.fd(), .events = POLLOUT, .revents = 0},
                                {.fd = over_.get(), .events = POLLIN, .revents = 0},
                                {.fd = changed_.get(), .events = POLLIN, .revents = 0}}};
  if (::poll(events.data(), events.size(), -1) < 0) return Room::interrupted;
  if (events[0].revents != 0) return Room::there;
  return events[1].revents != 0 ? Room::over : Room::interrupted;
}

void LineSink::take_up_next() {
  const std::lock_guard lock(next_mutex_);
  if (!next_) return;
  output_ = std::move(*next_);
  next_.reset();
  torn_ = false;
  eventfd_t count;
  eventfd_read(changed_.get(), &count);
}

/// The old file stays where there is no new one.
void LineSink::reopen() {
  Fd file = open_file(output_.path);
  if (file) {
    output_.file = std::move(file);
    torn_ = false;
    return;
  }
  const std::string text = output_.path + " cannot be opened anew: " + std::strerror(errno);
  write({"peald", spdlog::level::err, text});
}

/// Once there is room again.
void LineSink::tell_lost(spdlog::log_clock::time_point now) {
  if (now < next_look_) return;
  next_look_ = now + kLookPause;
  const std::uint64_t lost = overrun_() + unwritten();
  if (lost == told_) return;
  const std::string text = "log: " + std::to_string(lost - told_) +
                           " lines are lost: they came faster than they could be written, or the "
                           "disk had no room";
  if (write({"peald", spdlog::level::warn, text})) told_ = lost;
}

/// False when it cannot be written, or a part of it cannot.
bool LineSink::write(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  if (torn_) line.push_back('\n');
  if (output_.journal) {
    const std::string_view priority = priority_of(message.level);
    line.append(priority.data(), priority.data() + priority.size());
  }
  output_.formatter->format(message, line);
  return write_all({line.data(), line.size()});
}

bool LineSink::write_all(std::string_view text) {
  const std::size_t whole = text.size();
  while (!text.empty()) {
    if (wait_for_room() != Room::there) break;
    const ssize_t written = ::write(output_.fd(), text.data(), std::min(text.size(), kPiece));
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EAGAIN && errno != EINTR)
      break;
  }
  if (text.size() < whole) torn_ = !text.empty();
  return text.empty();
}

}  // namespace peal::server::log
