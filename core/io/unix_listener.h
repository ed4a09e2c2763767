// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

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
  std::optional<uid_t> owner = std::nullopt;  ///< nullopt: this process's
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

 private:
  UnixListener(Fd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}

  Fd socket_;
  std::string path_;
  dev_t device_ = 0;  // with `inode_`: of the file
  ino_t inode_ = 0;
};

}  // namespace peal::io
