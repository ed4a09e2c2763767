// SPDX-License-Identifier: Apache-2.0
#include "core/io/unix_listener.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "core/base/time.h"
#include "tests/support/backends.h"

namespace peal::io::unix_listener_test {
namespace {

using namespace std::chrono_literals;

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "peal-XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// A client of the socket at `path`; none when it is refused.
Fd client_of(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return Fd();
  return fd;
}

mode_t mode_of(const std::string& path) {
  struct stat file {};
  REQUIRE(::lstat(path.c_str(), &file) == 0);
  return file.st_mode & 07777;
}

TEST_CASE("UnixListener: clients reach it, and its file goes with it") {
  const Folder folder;
  const std::string path = folder.file("s");
  {
    auto listener = UnixListener::open(path, {.mode = 0600});
    REQUIRE(listener);
    CHECK(mode_of(path) == 0600);
    CHECK(client_of(path));
    const UnixListener moved(std::move(*listener));
    CHECK(client_of(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("UnixListener: who may connect changes, but not to another file") {
  const Folder folder;
  const std::string path = folder.file("s");
  auto listener = UnixListener::open(path, {.mode = 0600});
  REQUIRE(listener);
  CHECK(listener->set_access({.mode = 0666}));
  CHECK(mode_of(path) == 0666);
  CHECK(client_of(path));
  std::filesystem::remove(path);
  const auto missing = listener->set_access({.mode = 0600});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().sys_errno == ENOENT);
  std::ofstream(folder.file("other")) << "another";
  std::filesystem::rename(folder.file("other"), path);
  const mode_t mode = mode_of(path);
  const auto other = listener->set_access({.mode = mode | 0111});
  REQUIRE_FALSE(other);
  CHECK(other.error().sys_errno == EEXIST);
  CHECK(mode_of(path) == mode);
}

TEST_CASE("UnixListener: a file that nobody listens on is replaced, one with a listener is not") {
  const Folder folder;
  const std::string path = folder.file("s");
  auto first = UnixListener::open(path, {});
  REQUIRE(first);
  const auto second = UnixListener::open(path, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().sys_errno == EADDRINUSE);
  CHECK(client_of(path));

  std::filesystem::rename(path, folder.file("kept"));
  {
    const auto gone = UnixListener::open(folder.file("t"), {});
    REQUIRE(gone);
    // As after kill -9: the file stays without its socket.
    std::filesystem::create_hard_link(folder.file("t"), path);
  }
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(client_of(path));
  auto third = UnixListener::open(path, {});
  REQUIRE(third);
  CHECK(client_of(path));
}

TEST_CASE("UnixListener: the file of another one stays") {
  const Folder folder;
  const std::string path = folder.file("s");
  {
    const auto first = UnixListener::open(path, {});
    REQUIRE(first);
    std::ofstream(folder.file("other")) << "mine";
    std::filesystem::rename(folder.file("other"), path);
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("UnixListener: what is no socket is not replaced, and what cannot be is told") {
  const Folder folder;
  std::ofstream(folder.file("text")) << "mine";
  const auto text = UnixListener::open(folder.file("text"), {});
  REQUIRE_FALSE(text);
  CHECK(text.error().sys_errno == EEXIST);
  const auto lost = UnixListener::open(folder.file("no/such"), {});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().sys_errno == ENOENT);
  const auto longest = UnixListener::open("/" + std::string(kMaxSocketPath, 'x'), {});
  REQUIRE_FALSE(longest);
  CHECK(longest.error().sys_errno == ENAMETOOLONG);
}

/// Counts what one of several back ends accepts on a socket that they share.
class Acceptor final : public EventSink {
 public:
  Acceptor(const test::MakeBackend& make, int fd) : thread_([this, &make, fd] { run(make, fd); }) {}
  ~Acceptor() {
    stop = true;
    thread_.join();
  }

  void on_accept(std::uint32_t, int fd) override {
    ::close(fd);
    ++accepted;
  }
  void on_accept_end(std::uint32_t, int) override {}
  void on_receive(SlotId, Received) override {}
  void on_send(SlotId, int) override {}
  void on_wake() override {}

  std::atomic<int> accepted{0};
  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};

 private:
  void run(const test::MakeBackend& make, int fd) {
    const auto backend = make();
    backend->accept(0, fd);
    while (!stop) {
      CHECK(backend->wait(5ms));
      backend->deliver(*this);
      ready = true;
    }
  }

  std::thread thread_;
};

TEST_CASE("UnixListener: reactors that share it get their share of what comes one by one") {
  constexpr int kClients = 60;
  const Folder folder;
  for (const auto& make : test::real_backends()) {
    auto listener = UnixListener::open(folder.file("s"), {});
    REQUIRE(listener);
    const Fd copy(::dup(listener->fd()));
    Acceptor one(make, listener->fd());
    Acceptor other(make, copy.get());
    const Instant limit = Clock::now() + 10s;
    while (!one.ready || !other.ready) REQUIRE(Clock::now() < limit);
    for (int i = 1; i <= kClients; ++i) {
      const Fd client = client_of(folder.file("s"));
      CHECK(client);
      while (one.accepted + other.accepted < i) {
        REQUIRE(Clock::now() < limit);
        std::this_thread::yield();
      }
    }
    CHECK(one.accepted > kClients / 10);
    CHECK(other.accepted > kClients / 10);
  }
}

}  // namespace
}  // namespace peal::io::unix_listener_test
