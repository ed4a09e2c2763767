// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace peal::io {

/// A ring's own table of files (io_uring_register(2), IORING_REGISTER_FILES2). What lies in it has
/// no descriptor, so the process's table may be full; the limit is RLIMIT_NOFILE once more, for
/// each ring. The table is made when the first file comes.
///
/// Owner: a UringBackend. Thread: the reactor's.
class FileTable {
 public:
  /// How many files a table has room for where the limit of open files is `limit`.
  static std::uint64_t capacity(std::uint64_t limit);

  /// Puts the file of `fd` in as well; `fd` stays. nullopt when the table is full, or the kernel
  /// refuses.
  std::optional<unsigned> put(io_uring& ring, int fd);
  /// What lay at `slot` was closed: its place is free.
  void vacated(unsigned slot) { free_.push_back(slot); }

 private:
  bool ready_ = false;
  unsigned size_ = 0;
  unsigned unused_ = 0;  // slots from here on have never held a file
  std::vector<unsigned> free_;
};

}  // namespace peal::io
