// SPDX-License-Identifier: Apache-2.0
// Errors of the operating system, as values.
#pragma once

#include <expected>
#include <string>

namespace peal {

/// What failed and why. A value of two words; nothing is allocated until it is printed.
struct Error {
  const char* operation;  ///< a static string: "bind", "io_uring_setup", ...
  int sys_errno;          ///< errno(3) of it; 0 where the kernel was not asked

  /// "bind: Address already in use"
  std::string text() const;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// The failure of `operation` with the current errno.
std::unexpected<Error> last_error(const char* operation);

inline std::unexpected<Error> error(const char* operation, int sys_errno) {
  return std::unexpected(Error{operation, sys_errno});
}

}  // namespace peal
