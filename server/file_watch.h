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

/// Tells when files change. Watches their folders (inotify(7)), so that a file replaced by
/// rename(2) is noticed, and one that is reached by symbolic links when one of those is swapped.
///
/// Owner: the Server. Thread: main's. Errors: what cannot be watched changes unnoticed.
class FileWatch {
 public:
  using Changed = std::function<void()>;

  FileWatch();

  /// Calls `changed` from take() when what `path` leads to is another file, or was written to, or
  /// is gone. False: changes will go unnoticed.
  bool add(const std::string& path, Changed changed);

  /// Watches nothing any more. Not from within take().
  void clear();

  /// Readable when take() has something to do.
  int fd() const { return inotify_.get(); }
  void take();

 private:
  /// What tells one state of a file from another; all zero when there is none.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t written = 0;  // ns
    std::int64_t changed = 0;  // ns
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct File {
    std::string path;
    Stamp stamp;
    Changed changed;
  };

  static Stamp stamp_of(const std::string& path);
  bool take_events();
  bool watch_folders();

  Fd inotify_;
  std::vector<File> files_;
  std::map<int, std::string> folders_;  // by watch descriptor
};

}  // namespace peal::server
