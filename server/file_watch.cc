// SPDX-License-Identifier: Apache-2.0
#include "server/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

namespace peal::server {
namespace {

namespace fs = std::filesystem;

// Not IN_MODIFY: a file is read when whoever writes it is done.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// The folders in which something can happen that makes `path` lead to another file: the file's
/// own, those of symbolic links on the way, and that of the first step that is missing.
std::set<std::string> folders_of(const fs::path& path) {
  std::set<std::string> folders{path.parent_path()};
  std::error_code none;
  fs::path way;
  for (const fs::path& step : path) {
    way /= step;
    const auto kind = fs::symlink_status(way, none).type();
    if (kind == fs::file_type::symlink || kind == fs::file_type::not_found)
      folders.insert(way.parent_path());
  }
  if (const fs::path end = fs::canonical(path, none); !none) folders.insert(end.parent_path());
  return folders;
}

}  // namespace

FileStamp FileStamp::of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) < 0) return {};
  return {.device = found.st_dev,
          .inode = found.st_ino,
          .size = found.st_size,
          .written = nanoseconds(found.st_mtim),
          .changed = nanoseconds(found.st_ctim)};
}

FileWatch::FileWatch() : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

bool FileWatch::add(const std::string& path, const FileStamp& known, Changed changed) {
  files_.push_back({.path = path, .stamp = known, .changed = std::move(changed), .failed = false});
  const bool watched = watch_folders();
  look_at(files_.back());
  return watched;
}

void FileWatch::look_at(File& file) {
  const FileStamp stamp = FileStamp::of(file.path);
  if (std::exchange(file.stamp, stamp) != stamp) file.failed = !file.changed();
}

bool FileWatch::failed() const {
  return std::ranges::any_of(files_, &File::failed);
}

void FileWatch::try_again() {
  for (File& file : files_)
    if (file.failed && FileStamp::of(file.path) == file.stamp) file.failed = !file.changed();
}

void FileWatch::clear() {
  files_.clear();
  watch_folders();
}

/// Watches what the paths lead through now, and no longer what they led through before.
bool FileWatch::watch_folders() {
  std::map<int, std::string> now;
  bool all = true;
  for (const File& file : files_) {
    for (const std::string& folder : folders_of(file.path)) {
      const int watch = inotify_add_watch(inotify_.get(), folder.c_str(), kEvents | IN_ONLYDIR);
      if (watch < 0)
        all = false;
      else
        now.insert_or_assign(watch, folder);
    }
  }
  for (const auto& [watch, folder] : std::exchange(folders_, now))
    if (!now.contains(watch)) inotify_rm_watch(inotify_.get(), watch);
  return all;
}

/// True when there was one that matters.
bool FileWatch::take_events() {
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  bool any = false;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) return any;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      // A file that was just made is empty still; a link is all there.
      const auto folder = folders_.find(event.wd);
      std::error_code none;
      const bool empty = (event.mask & IN_CREATE) && event.len > 0 && folder != folders_.end() &&
                         !fs::is_symlink(fs::path(folder->second) / name, none);
      any = any || !empty;
    }
  }
}

void FileWatch::take() {
  if (!take_events()) return;
  watch_folders();
  for (File& file : files_) look_at(file);
}

}  // namespace peal::server
