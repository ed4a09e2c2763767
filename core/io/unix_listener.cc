// SPDX-License-Identifier: Apache-2.0
#include "core/io/unix_listener.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/io/listener.h"

namespace peal::io {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() > kMaxSocketPath) return error("path", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool bind_to(int fd, const sockaddr_un& address) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Takes a socket file away that nobody listens on.
Result<> remove_stale(const sockaddr_un& address) {
  struct stat file {};
  if (::lstat(address.sun_path, &file) < 0) return last_error("lstat");
  if (!S_ISSOCK(file.st_mode)) return error("bind", EEXIST);
  const Fd trial(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!trial) return last_error("socket");
  const int refused =
      ::connect(trial.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0
          ? errno
          : 0;
  if (refused != ECONNREFUSED) return error("bind", EADDRINUSE);
  if (::unlink(address.sun_path) < 0) return last_error("unlink");
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path, const SocketAccess& access) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error("socket");
  if (!bind_to(socket.get(), *address)) {
    if (errno != EADDRINUSE) return last_error("bind");
    if (auto removed = remove_stale(*address); !removed) return std::unexpected(removed.error());
    if (!bind_to(socket.get(), *address)) return last_error("bind");
  }
  UnixListener listener(std::move(socket), path);
  if (::lstat(path.c_str(), &listener.made_) < 0) return last_error("lstat");
  // Before listen(2): until then nobody can connect.
  if (auto set = listener.set_access(access); !set) return std::unexpected(set.error());
  if (::listen(listener.fd(), kLongestQueue) < 0) return last_error("listen");
  return listener;
}

UnixListener::~UnixListener() {
  if (!socket_) return;  // moved from
  struct stat file {};
  if (::lstat(path_.c_str(), &file) == 0 && is_own(file)) ::unlink(path_.c_str());
}

/// The mode last, as chown(2) may take bits of it away.
Result<> UnixListener::set_access(const SocketAccess& access) {
  struct stat file {};
  if (::lstat(path_.c_str(), &file) < 0) return last_error("lstat");
  if (!is_own(file)) return error("chmod", EEXIST);
  const uid_t owner = access.owner.value_or(made_.st_uid);
  const gid_t group = access.group.value_or(made_.st_gid);
  if (file.st_uid != owner || file.st_gid != group)
    if (::lchown(path_.c_str(), owner, group) < 0) return last_error("chown");
  if (::chmod(path_.c_str(), access.mode) < 0) return last_error("chmod");
  return {};
}

}  // namespace peal::io
