// SPDX-License-Identifier: Apache-2.0
#include "server/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "server/log_sink.h"

namespace peal::server::log {
namespace {

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

/// What there is from the first set_up() to shut_down().
struct Log {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::logger> fields;
  std::atomic<config::LogFormat> format{config::LogFormat::text};
};
Log the_log;
spdlog::details::thread_pool* queue = nullptr;  // as long as its thread runs

std::atomic<LineSink*> sink_to_reopen{nullptr};

extern "C" void on_sigusr1(int) {
  if (LineSink* sink = sink_to_reopen.load(std::memory_order_relaxed)) sink->ask_to_reopen();
}

sigset_t just_sigusr1() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

/// The log's thread takes SIGUSR1 and no other signal; all other threads leave it that one.
std::shared_ptr<spdlog::details::thread_pool> start_thread() {
  struct sigaction action {};
  action.sa_handler = on_sigusr1;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  auto pool = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1, [] {
    pthread_setname_np(pthread_self(), "log");
    const sigset_t mine = just_sigusr1();
    pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const sigset_t its = just_sigusr1();
  pthread_sigmask(SIG_BLOCK, &its, nullptr);
  return pool;
}

std::shared_ptr<spdlog::logger> make_logger(const char* name) {
  return std::make_shared<spdlog::async_logger>(name, the_log.sink, the_log.pool,
                                                spdlog::async_overflow_policy::overrun_oldest);
}

void append_json(std::string& line, const Field& field) {
  line.append(",\"").append(field.key).append("\":");
  if (field.value.empty())
    line += "null";
  else if (field.is_text)
    line.append("\"").append(field.value).append("\"");
  else
    line += field.value;
}

void append_text(std::string& line, const Field& field) {
  line.append(" ").append(field.key).append("=").append(field.value.empty() ? "-" : field.value);
}

}  // namespace

std::expected<void, std::string> set_up(const config::Log& config) {
  const bool first = !the_log.pool;
  auto sink = first
                  ? std::make_shared<LineSink>([] { return queue ? queue->overrun_counter() : 0; })
                  : the_log.sink;
  if (auto used = sink->use(config); !used) return used;
  if (first) {
    the_log.sink = std::move(sink);
    try {
      the_log.pool = start_thread();
    } catch (const std::system_error& failure) {
      return std::unexpected("the log's thread cannot be started: " + failure.code().message());
    }
    queue = the_log.pool.get();
    the_log.fields = make_logger(kFieldsLogger);
    spdlog::set_default_logger(make_logger("peald"));
    sink_to_reopen = the_log.sink.get();
  }
  the_log.format = config.format;
  the_log.fields->set_level(to_spdlog(config.level));
  spdlog::default_logger_raw()->set_level(to_spdlog(config.level));
  return {};
}

void shut_down() {
  if (!the_log.pool) return;
  // Held until the thread has ended: it would destroy them otherwise, which ThreadSanitizer takes
  // for a race, as it does not see libspdlog count their owners.
  const std::shared_ptr<spdlog::logger> text = spdlog::default_logger();
  const std::shared_ptr<spdlog::logger> fields = std::move(the_log.fields);
  // What is logged all the same is written at once.
  auto plain = std::make_shared<spdlog::logger>("peald", the_log.sink);
  plain->set_level(spdlog::default_logger_raw()->level());
  spdlog::set_default_logger(std::move(plain));
  the_log.sink->finish_within(kPatience);
  the_log.pool.reset();  // joins the thread
  queue = nullptr;
}

bool is_on(config::LogLevel level) {
  return spdlog::should_log(to_spdlog(level));
}

std::uint64_t lines_lost() {
  if (!the_log.pool) return 0;
  return the_log.pool->overrun_counter() + the_log.sink->unwritten();
}

void write(config::LogLevel level, fmt::string_view format, fmt::format_args values) {
  fmt::memory_buffer line;
  fmt::vformat_to(std::back_inserter(line), format, values);
  spdlog::log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void write_access(std::span<const Field> fields) {
  if (!the_log.fields || !is_on(config::LogLevel::info)) return;
  const bool json = the_log.format.load(std::memory_order_relaxed) == config::LogFormat::json;
  std::string line = json ? R"("message":"access")" : "access:";
  for (const Field& field : fields) json ? append_json(line, field) : append_text(line, field);
  if (json)
    the_log.fields->info(line);
  else
    spdlog::info(line);
}

}  // namespace peal::server::log
