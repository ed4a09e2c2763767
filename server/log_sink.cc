// SPDX-License-Identifier: Apache-2.0
#include "server/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <cerrno>
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
  return Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, kFileMode));
}

/// syslog(3) calls them LOG_ERR and so on.
std::string_view priority_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "<3>";
  if (level == spdlog::level::warn) return "<4>";
  return level == spdlog::level::info ? "<6>" : "<7>";
}

/// False when it cannot be written.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::expected<void, std::string> LineSink::use(const config::Log& config) {
  Fd file;
  if (!config.file.empty()) {
    file = open_file(config.file);
    if (!file) return std::unexpected(config.file + ": " + std::strerror(errno));
  }
  const std::lock_guard lock(mutex_);
  path_ = config.file;
  file_ = std::move(file);
  journal_ = path_.empty() && leads_to_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
  formatter_ = make_formatter(config.format, journal_);
  return {};
}

void LineSink::sink_it_(const spdlog::details::log_msg& message) {
  if (reopen_.exchange(false, std::memory_order_relaxed) && !path_.empty()) reopen();
  tell_lost(message.time);
  write(message);
}

/// The old file stays where there is no new one.
void LineSink::reopen() {
  Fd file = open_file(path_);
  if (file) {
    file_ = std::move(file);
    return;
  }
  const std::string text = path_ + " cannot be opened anew: " + std::strerror(errno);
  write({"peald", spdlog::level::err, text});
}

void LineSink::tell_lost(spdlog::log_clock::time_point now) {
  if (now < next_look_) return;
  next_look_ = now + kLookPause;
  const std::uint64_t lost = overrun_();
  if (lost == told_) return;
  const std::string text = "log: " + std::to_string(lost - told_) +
                           " lines are lost: they came faster than they could be written";
  told_ = lost;
  write({"peald", spdlog::level::warn, text});
}

void LineSink::write(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  if (journal_) {
    const std::string_view priority = priority_of(message.level);
    line.append(priority.data(), priority.data() + priority.size());
  }
  formatter_->format(message, line);
  const int fd = file_ ? file_.get() : STDERR_FILENO;
  if (!write_all(fd, {line.data(), line.size()}))
    unwritten_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace peal::server::log
