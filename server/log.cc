// SPDX-License-Identifier: Apache-2.0
#include "server/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace peal::server::log {
namespace {

const std::string kName = "peald";

/// The message as the inside of a JSON string (RFC 8259 section 7). What clients send may be in it.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : std::string_view(message.payload.data(), message.payload.size())) {
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
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

spdlog::level::level_enum to_spdlog(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::trace:
      return spdlog::level::trace;
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warn:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void set_up(const config::Log& config) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (config.format == config::LogFormat::json) {
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":"%*"})");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  }
  // Others may be logging: the logger stays, and what changes of it may change meanwhile.
  if (spdlog::default_logger_raw()->name() != kName) {
    auto logger =
        std::make_shared<spdlog::logger>(kName, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  }
  spdlog::default_logger_raw()->set_formatter(std::move(formatter));
  spdlog::default_logger_raw()->set_level(to_spdlog(config.level));
}

bool is_on(config::LogLevel level) {
  return spdlog::should_log(to_spdlog(level));
}

void write(config::LogLevel level, fmt::string_view format, fmt::format_args values) {
  fmt::memory_buffer line;
  fmt::vformat_to(std::back_inserter(line), format, values);
  spdlog::log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace peal::server::log
