// SPDX-License-Identifier: Apache-2.0
#include "server/log_sink.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

using namespace peal;
using namespace peal::server;

namespace {

/// A sink that writes into files of a folder of its own.
struct Sink {
  Sink() { REQUIRE(::mkdtemp(folder.data()) != nullptr); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { std::filesystem::remove_all(folder); }

  std::string path(const std::string& name) const { return folder + '/' + name; }

  auto use(const std::string& name) {
    config::Log config;
    config.file = path(name);
    return sink.use(config);
  }

  /// Logs `text`, an hour later each time.
  void log(const std::string& text) {
    now += std::chrono::hours(1);
    sink.log({now, {}, "peald", spdlog::level::info, text});
  }

  /// What is in the file, without times.
  std::vector<std::string> lines(const std::string& name) const {
    std::vector<std::string> found;
    std::ifstream file(path(name));
    for (std::string line; std::getline(file, line);)
      found.push_back(line.substr(std::min(line.size(), kTime)));
    return found;
  }

  /// A FIFO whose reader takes nothing.
  Fd make_fifo(const std::string& name) const {
    REQUIRE(::mkfifo(path(name).c_str(), 0600) == 0);
    return Fd(::open(path(name).c_str(), O_RDONLY | O_NONBLOCK));
  }

  static constexpr std::size_t kTime = std::string_view("2000-01-01 00:00:00.000 ").size();

  std::string folder = "/tmp/peal-test-XXXXXX";
  spdlog::log_clock::time_point now = spdlog::log_clock::now();
  log::LineSink sink{[] { return 0; }};
};

/// More than a pipe takes.
constexpr int kMany = 1000;
const std::string kLong(200, 'x');

}  // namespace

TEST_CASE("LineSink: a line that the disk took half of does not spoil the next") {
  Sink sink;
  REQUIRE(sink.use("log"));
  sink.log("one");
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit full{.rlim_cur = 2 * Sink::kTime + 20, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  sink.log("half a line");
  sink.log("not at all");
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  CHECK(sink.sink.unwritten() == 2);
  sink.log("two");
  const auto lines = sink.lines("log");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "info: one");
  CHECK(lines[1].starts_with("info: "));
  CHECK(lines[2].starts_with("warning: log: 2 lines are lost"));
  CHECK(lines[3] == "info: two");
}

TEST_CASE("LineSink: a FIFO that nobody reads is refused at once") {
  Sink sink;
  REQUIRE(::mkfifo(sink.path("fifo").c_str(), 0600) == 0);
  const auto used = sink.use("fifo");
  REQUIRE(!used);
  CHECK(used.error().starts_with("log.file: /tmp/peal-test-"));
}

TEST_CASE("LineSink: another file is taken although the one before takes nothing") {
  Sink sink;
  const Fd reader = sink.make_fifo("fifo");
  REQUIRE(sink.use("fifo"));
  std::thread writer([&] {
    for (int i = 0; i < kMany; ++i) sink.log(kLong);
  });
  REQUIRE(sink.use("log"));
  writer.join();
  sink.log("last");
  CHECK(sink.lines("log").back() == "info: last");
  CHECK(sink.sink.unwritten() == 0);
}

TEST_CASE("LineSink: what finds no room after the end is lost") {
  Sink sink;
  const Fd reader = sink.make_fifo("fifo");
  REQUIRE(sink.use("fifo"));
  sink.sink.finish_within(Duration(1));
  for (int i = 0; i < kMany; ++i) sink.log(kLong);
  CHECK(sink.sink.unwritten() > 0);
  CHECK(sink.sink.unwritten() < kMany);
}
