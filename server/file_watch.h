// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/fd.h"

namespace peal::server {

/// What tells one state of a file from another; all zero when there is none.
struct FileStamp {
  static FileStamp of(const std::string& path);

  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t written = 0;  // ns
  std::int64_t changed = 0;  // ns
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Of files that are going to be read, by path.
using FileStamps = std::map<std::string, FileStamp>;

/// Tells when files change. Watches their folders (inotify(7)), so that a file replaced by
/// rename(2) is noticed, and one that is reached by symbolic links when one of those is swapped.
///
/// Owner: the Server. Thread: main's. Errors: what cannot be watched changes unnoticed.
class FileWatch {
 public:
  /// False: what changed could not be read.
  using Changed = std::function<bool()>;

  FileWatch();

  /// Calls `changed` from take() when what `path` leads to is another file, or was written to, or
  /// is gone; `known` is what it was before it was read, so a change since then is told at once.
  /// False: changes will go unnoticed.
  bool add(const std::string& path, const FileStamp& known, Changed changed);

  /// Watches nothing any more. Not from within take().
  void clear();

  /// Readable when take() has something to do.
  int fd() const { return inotify_.get(); }
  void take();

  /// Whether there is a file that could not be read when it changed.
  bool failed() const;
  /// Tells those changes again, as nothing may happen to a file that can be read now; not of a file
  /// that somebody is writing to.
  void try_again();

 private:
  struct File {
    std::string path;
    FileStamp stamp;
    Changed changed;
    bool failed = false;
  };

  static void look_at(File& file);
  bool take_events();
  bool watch_folders();

  Fd inotify_;
  std::vector<File> files_;
  std::map<int, std::string> folders_;  // by watch descriptor
};

}  // namespace peal::server
