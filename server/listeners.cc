// SPDX-License-Identifier: Apache-2.0
#include "server/listeners.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

#include "config/address.h"
#include "core/base/ip_address.h"
#include "core/io/listener.h"
#include "server/log.h"

namespace peal::server {
namespace {

std::unexpected<std::string> failure(const config::Listen& listen, const std::string& what) {
  return std::unexpected("listen." + listen.name + ": " + what);
}

std::unexpected<std::string> cannot_listen(const config::Listen& listen, const Error& error) {
  return failure(listen, "cannot listen on " + config::address_text(listen) + ": " + error.text());
}

void tell(const config::Listen& listen, const std::string& where) {
  log::info("listening on {}{}", where, listen.tls ? ", TLS" : "");
}

/// Where a listening socket is bound, as "127.0.0.1:80" or "unix:/run/x".
std::string bound_to(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return "?";
  if (storage.ss_family == AF_UNIX) {
    sockaddr_un local{};
    std::memcpy(&local, &storage, sizeof local);
    std::string path(local.sun_path, size - offsetof(sockaddr_un, sun_path));
    if (path.starts_with('\0')) path.front() = '@';
    return "unix:" + path.substr(0, path.find('\0'));
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);  // the port stands at the same place in both
  const std::uint16_t port = ntohs(v4.sin_port);
  if (storage.ss_family == AF_INET)
    return io::address_text(
        IpAddress::of_v4(std::as_bytes(std::span<const in_addr, 1>(&v4.sin_addr, 1))).text(), port);
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  return io::address_text(
      IpAddress::of_v6(std::as_bytes(std::span<const in6_addr, 1>(&v6.sin6_addr, 1))).text(), port);
}

/// Adds a copy of `fd` for each shard.
bool share(int fd, Listeners::Sockets& sockets) {
  for (auto& of_shard : sockets) {
    Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return false;
    of_shard.push_back(std::move(copy));
  }
  return true;
}

/// Calls `open` until its address is free, or `patience` is over.
auto open_when_free(const config::Listen& listen, Duration patience, const auto& open) {
  const Instant end = Clock::now() + patience;
  for (bool told = false;; told = true) {
    auto opened = open();
    if (opened || opened.error().sys_errno != EADDRINUSE || Clock::now() >= end) return opened;
    if (!told)
      log::info("{} is in use: trying for {} s", config::address_text(listen),
                std::chrono::duration_cast<std::chrono::seconds>(patience).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

io::SocketAccess access_of(const config::Listen& listen) {
  io::SocketAccess access{.mode = listen.mode};
  if (const passwd* user = listen.owner.empty() ? nullptr : getpwnam(listen.owner.c_str()))
    access.owner = user->pw_uid;
  if (const group* group = listen.group.empty() ? nullptr : getgrnam(listen.group.c_str()))
    access.group = group->gr_gid;
  return access;
}

}  // namespace

std::expected<Listeners::Sockets, std::string> Listeners::open(const config::Listen& listen,
                                                               unsigned shards, Duration patience,
                                                               bool beside_ours) {
  if (!listen.path.empty()) return open_unix(listen, shards, patience);
  if (!listen.activation.empty()) return adopt(listen, shards);
  return open_ip(listen, shards, patience, beside_ours);
}

std::expected<Listeners::Sockets, std::string> Listeners::open_ip(const config::Listen& listen,
                                                                  unsigned shards,
                                                                  Duration patience,
                                                                  bool beside_ours) {
  auto group = open_when_free(listen, patience, [&] {
    return io::open_listeners(listen.host, listen.port, shards, beside_ours);
  });
  if (!group) return cannot_listen(listen, group.error());
  Sockets sockets(shards);
  for (unsigned shard = 0; shard < shards; ++shard) {
    io::defer_accepts(group->sockets[shard].get(), listen.defer_accept);
    sockets[shard].push_back(std::move(group->sockets[shard]));
  }
  tell(listen, io::address_text(listen.host, group->port));
  return sockets;
}

std::expected<Listeners::Sockets, std::string> Listeners::open_unix(const config::Listen& listen,
                                                                    unsigned shards,
                                                                    Duration patience) {
  files_.erase(listen.path);  // what was there is lost
  auto opened = open_when_free(
      listen, patience, [&] { return io::UnixListener::open(listen.path, access_of(listen)); });
  if (!opened) return cannot_listen(listen, opened.error());
  Sockets sockets(shards);
  if (!share(opened->fd(), sockets)) return cannot_listen(listen, last_error("dup").error());
  files_.emplace(listen.path, std::move(*opened));
  tell(listen, "unix:" + listen.path);
  return sockets;
}

bool Listeners::is_lost(const config::Listen& listen) const {
  if (listen.path.empty()) return false;
  return !files_.contains(listen.path) ||
         (::access(listen.path.c_str(), F_OK) < 0 && errno == ENOENT);
}

std::expected<void, std::string> Listeners::set_access(std::span<const config::Listen> now) {
  for (const config::Listen& listen : now) {
    const auto file = files_.find(listen.path);
    if (file == files_.end()) continue;
    if (auto set = file->second.set_access(access_of(listen)); !set)
      return failure(listen, "cannot change who may connect to " + config::address_text(listen) +
                                 ": " + set.error().text());
  }
  return {};
}

std::expected<Listeners::Sockets, std::string> Listeners::adopt(const config::Listen& listen,
                                                                unsigned shards) {
  Sockets sockets(shards);
  std::vector<std::string> others;
  for (const PassedSocket& passed : passed_) {
    if (passed.name != listen.activation) {
      others.push_back('"' + passed.name + '"');
      continue;
    }
    const int fd = passed.socket.get();
    if (!is_stream_listener(fd))
      return failure(listen, "the socket \"" + passed.name +
                                 "\" that systemd has passed is no stream socket that listens");
    // io_uring waits on blocking sockets only, and epoll's back end sets this itself.
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // of no use to a Unix socket
    if (!share(fd, sockets)) return cannot_listen(listen, last_error("dup").error());
    tell(listen, bound_to(fd) + ", from systemd as \"" + passed.name + '"');
  }
  if (!sockets.front().empty()) return sockets;
  std::string found = others.empty() ? "none at all" : "only";
  for (std::size_t i = 0; i < others.size(); ++i) found += (i == 0 ? " " : ", ") + others[i];
  return failure(listen, "systemd has passed no socket of the name \"" + listen.activation +
                             "\" (FileDescriptorName=), " + found);
}

void Listeners::report_unnamed(std::span<const config::Listen> listen) const {
  for (const PassedSocket& passed : passed_) {
    const auto names = [&](const config::Listen& one) { return one.activation == passed.name; };
    if (std::ranges::none_of(listen, names))
      log::warn(
          "systemd has passed the socket \"{}\", {}, but no listener has address = \"systemd:{}\": "
          "nobody answers there",
          passed.name, bound_to(passed.socket.get()), passed.name);
  }
}

}  // namespace peal::server
