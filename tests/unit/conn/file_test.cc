// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

/// A file that lives in memory, and goes with the test.
class TestFile {
 public:
  explicit TestFile(std::size_t size) : fd_(::memfd_create("peal-test", MFD_CLOEXEC)) {
    contents.resize(size);
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<char>('a' + i * 7 / 3 % 26);
    REQUIRE(::write(fd_.get(), contents.data(), size) == static_cast<ssize_t>(size));
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  void truncate(std::size_t size) {
    REQUIRE(::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0);
  }

  std::string contents;

 private:
  Fd fd_;
};

std::string body_of(const std::string& response) {
  const auto end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

TEST_CASE("ConnectionTable: a file is sent whole, whatever the window") {
  const TestFile file(500'000);
  for (const std::size_t window : {std::size_t{777}, std::size_t{70'000}, std::size_t{1} << 20}) {
    on_both({}, [&](Bench& bench) {
      bench.handler.file = file.path();
      bench.handler.file_size = file.contents.size();
      SimSocket& socket = bench.connect();
      socket.window = window;
      socket.write(get("/file") + get("/next", "Connection: close\r\n"));
      std::string all;
      for (int i = 0; i < 10'000 && !socket.ended(); ++i) {
        bench.run();
        CHECK(bench.memory().blocks.bytes_out() < 400'000);
        all += socket.read();
      }
      const std::string body = body_of(all);
      CHECK(body.substr(0, file.contents.size()) == file.contents);
      CHECK(body.ends_with("/next\n"));
      socket.shut_down_write();
      bench.run();
      CHECK(bench.all_given_back());
    });
  }
}

TEST_CASE("ConnectionTable: a file shorter than promised ends in a reset") {
  TestFile file(300'000);
  on_both({}, [&](Bench& bench) {
    bench.handler.file = file.path();
    bench.handler.file_size = 300'001;
    SimSocket& socket = bench.connect();
    socket.window = 1 << 20;
    socket.write(get("/file"));
    bench.run();
    CHECK(socket.was_reset());
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a slow reader of a file is kept, one that stopped is let go") {
  const TestFile file(400'000);
  on_both({.limits = {.send_timeout = 10s}}, [&](Bench& bench) {
    bench.handler.file = file.path();
    bench.handler.file_size = file.contents.size();
    SimSocket& socket = bench.connect();
    socket.window = 2000;
    socket.write(get("/file"));
    bench.run();
    std::string all;
    for (int i = 0; i < 30; ++i) {
      bench.pass(5s);
      CHECK_FALSE(socket.closed());
      all += socket.read();
      bench.run();
    }
    bench.pass(9s);
    CHECK_FALSE(socket.closed());
    bench.pass(1100ms);
    CHECK(socket.was_reset());
    CHECK(file.contents.starts_with(body_of(all)));
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: who takes nothing of a file is let go, whatever it says") {
  const TestFile file(400'000);
  on_both({.limits = {.send_timeout = 10s}}, [&](Bench& bench) {
    bench.handler.file = file.path();
    bench.handler.file_size = file.contents.size();
    SimSocket& socket = bench.connect();
    socket.window = 2000;
    socket.write(get("/file"));
    bench.run();
    bench.pass(9s);
    socket.write(get("/next"));
    bench.run();
    CHECK_FALSE(socket.closed());
    bench.pass(1100ms);
    CHECK(socket.was_reset());
    CHECK(bench.handler.endings == std::vector{Ending::send_timeout});
    CHECK(bench.all_given_back());
  });
}

TEST_CASE("ConnectionTable: a fast reader of a large file is not mistaken for one that stopped") {
  const TestFile file(400'000);
  on_both({.limits = {.send_timeout = 10s}}, [&](Bench& bench) {
    bench.handler.file = file.path();
    bench.handler.file_size = file.contents.size();
    SimSocket& socket = bench.connect();
    socket.window = 1;
    socket.write(get("/file"));
    bench.run();
    std::string all;
    while (all.size() < file.contents.size()) {
      bench.pass(4s);
      REQUIRE_FALSE(socket.closed());
      socket.window = 128 << 10;  // all that is queued goes at once
      bench.run();
      all += socket.read();
      socket.window = 1;
    }
    CHECK(body_of(all).size() > 0);
  });
}

TEST_CASE("ConnectionTable: requests that wait behind a file are answered after the client's end") {
  const TestFile file(200'000);
  on_both({}, [&](Bench& bench) {
    bench.handler.file = file.path();
    bench.handler.file_size = file.contents.size();
    SimSocket& socket = bench.connect();
    socket.window = 5000;
    socket.write(get("/file") + get("/next"));
    socket.shut_down_write();
    std::string all;
    for (int i = 0; i < 10'000 && !socket.ended(); ++i) {
      bench.run();
      all += socket.read();
    }
    CHECK(all.ends_with("/next\n"));
    CHECK(socket.closed());
    CHECK(bench.all_given_back());
  });
}

}  // namespace
}  // namespace peal::conn::test
