// SPDX-License-Identifier: Apache-2.0
// Where results go.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/base/fd.h"

namespace peal::loadtest {

/// Sees to it that no file and no socket gets the number of a standard stream that is closed. First
/// of all.
void hold_standard_streams();

/// Writes all of it there. Error: for people.
std::expected<void, std::string> write_standard_output(std::string_view text);

/// A file that is opened before a run and written after it, so that no run is in vain. What was in
/// it stays until write(); a file that was not there is gone again without that.
///
/// Owner, thread: main(). Errors: for people, with the file's name.
class ResultFile {
 public:
  /// "-" is standard output.
  static std::expected<ResultFile, std::string> open(const std::string& name);

  ResultFile(ResultFile&& other) noexcept;
  ResultFile& operator=(ResultFile&&) = delete;
  ~ResultFile();

  /// Once.
  std::expected<void, std::string> write(std::string_view text);

 private:
  ResultFile(std::string name, Fd fd, bool made);

  std::string name_;
  Fd fd_;
  bool made_;  // by us, and still without a result
};

}  // namespace peal::loadtest
