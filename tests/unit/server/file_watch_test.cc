// SPDX-License-Identifier: Apache-2.0
#include "server/file_watch.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace peal::server {
namespace {

namespace fs = std::filesystem;

/// A folder, removed in the end, with a file in it that is watched.
class Watched {
 public:
  explicit Watched(const std::string& way = "file") : path(root / way) {}
  ~Watched() { fs::remove_all(root); }

  void watch() { watch(FileStamp::of(path)); }
  void watch(const FileStamp& known) {
    REQUIRE(watch_.add(path, known, [this] {
      ++changes;
      return can_be_read;
    }));
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root / name) << text;
  }
  /// How often a change was told since this was last asked, of what has happened by now.
  int told() {
    changes = 0;
    pollfd due{.fd = watch_.fd(), .events = POLLIN, .revents = 0};
    while (::poll(&due, 1, 0) == 1) watch_.take();
    return changes;
  }

  const fs::path root = [] {
    std::string name = fs::temp_directory_path() / "peal-watch-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    return fs::canonical(name);
  }();
  const fs::path path;
  int changes = 0;
  bool can_be_read = true;

  /// The same of a look at what could not be read.
  int told_again() {
    changes = 0;
    watch_.try_again();
    return changes;
  }

 private:
  FileWatch watch_;
};

TEST_CASE("FileWatch: a file that is written in place") {
  Watched file;
  file.write("file", "old");
  file.watch();
  CHECK(file.told() == 0);
  file.write("file", "new one");
  CHECK(file.told() == 1);
  std::ofstream half(file.path);
  half << "half" << std::flush;
  CHECK(file.told() == 0);
  half.close();
  CHECK(file.told() == 1);
}

TEST_CASE("FileWatch: a file that another one takes the place of") {
  Watched file;
  file.write("file", "same");
  file.watch();
  for (int i = 0; i < 3; ++i) {
    file.write("fresh", "same");
    CHECK(file.told() == 0);
    fs::rename(file.root / "fresh", file.path);
    CHECK(file.told() == 1);
  }
}

TEST_CASE("FileWatch: a file that has changed since it was looked at is told at once") {
  for (const bool before : {true, false}) {
    Watched file;
    if (before) file.write("file", "old");
    const FileStamp known = FileStamp::of(file.path);
    file.write("fresh", "new");
    fs::rename(file.root / "fresh", file.path);
    file.watch(known);
    CHECK(file.changes == 1);
    CHECK(file.told() == 0);
    fs::remove(file.path);
    CHECK(file.told() == 1);
  }
}

TEST_CASE("FileWatch: a change that could not be read is told until it can") {
  Watched file;
  file.write("file", "old");
  file.watch();
  CHECK(file.told_again() == 0);
  file.can_be_read = false;
  file.write("file", "new one");
  CHECK(file.told() == 1);
  CHECK(file.told_again() == 1);
  std::ofstream half(file.path);
  half << "half" << std::flush;
  CHECK(file.told_again() == 0);
  half.close();
  CHECK(file.told() == 1);
  file.can_be_read = true;
  CHECK(file.told_again() == 1);
  CHECK(file.told_again() == 0);
}

TEST_CASE("FileWatch: others in the folder are nobody's business") {
  Watched file;
  file.write("file", "mine");
  file.watch();
  file.write("other", "theirs");
  fs::remove(file.root / "other");
  CHECK(file.told() == 0);
}

TEST_CASE("FileWatch: a file that goes and comes back") {
  Watched file;
  file.write("file", "old");
  file.watch();
  fs::remove(file.path);
  CHECK(file.told() == 1);
  file.write("file", "back");
  CHECK(file.told() == 1);
  fs::permissions(file.path, fs::perms::owner_read);
  CHECK(file.told() == 1);
}

TEST_CASE("FileWatch: symbolic links that are swapped, as Kubernetes mounts secrets") {
  Watched file("token");
  for (const auto* version : {"v1", "v2", "v3"}) {
    fs::create_directory(file.root / version);
    file.write(std::string(version) + "/token", version);
  }
  fs::create_symlink("v1", file.root / "..data");
  fs::create_symlink("..data/token", file.path);
  file.watch();
  for (const auto* version : {"v2", "v3"}) {
    fs::create_symlink(version, file.root / "..new");
    fs::rename(file.root / "..new", file.root / "..data");
    CHECK(file.told() == 1);
    file.write(std::string(version) + "/token", "written where the link leads");
    CHECK(file.told() == 1);
  }
}

TEST_CASE("FileWatch: a folder on the way that is a symbolic link") {
  Watched file("current/token");
  for (const auto* version : {"v1", "v2"}) {
    fs::create_directory(file.root / version);
    file.write(std::string(version) + "/token", version);
  }
  fs::create_symlink("v1", file.root / "current");
  file.watch();
  fs::remove(file.root / "current");
  CHECK(file.told() == 1);
  fs::create_symlink("v2", file.root / "current");
  CHECK(file.told() == 1);
}

TEST_CASE("FileWatch: a folder that is not there cannot be watched") {
  FileWatch watch;
  CHECK_FALSE(watch.add("/nowhere/file", {}, [] { return true; }));
}

}  // namespace
}  // namespace peal::server
