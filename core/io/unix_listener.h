// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/fd.h"

namespace peal::io {

/// Octets of the path of a Unix socket (unix(7)).
inline constexpr std::size_t kMaxSocketPath = 107;

/// Who may connect to a Unix socket.
struct SocketAccess {
  mode_t mode = 0660;
  std::optional<uid_t> owner = std::nullopt;  ///< nullopt: as the file was made
  std::optional<gid_t> group = std::nullopt;
};

/// A listening Unix socket and the file that stands for it. Takes that file away with it, unless
/// another one is in its place by then.
///
/// Owner: the server's Listeners.
class UnixListener {
 public:
  /// Error: EADDRINUSE also where somebody listens already; a socket file that nobody listens on is
  /// replaced, any other file is not (EEXIST).
  static Result<UnixListener> open(const std::string& path, const SocketAccess& access);

  UnixListener(UnixListener&&) = default;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  int fd() const { return socket_.get(); }

  /// Who may connect from now on. Error: EEXIST where another file is in its place; with another
  /// one, some of it may have changed.
  Result<> set_access(const SocketAccess& access);

 private:
  UnixListener(Fd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}

  bool is_own(const struct stat& file) const {
    return S_ISSOCK(file.st_mode) && file.st_dev == made_.st_dev && file.st_ino == made_.st_ino;
  }

  Fd socket_;
  std::string path_;
  struct stat made_ {};  // the file, before anything was changed
};

}  // namespace peal::io
