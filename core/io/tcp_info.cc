// SPDX-License-Identifier: Apache-2.0
#include "core/io/tcp_info.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace peal::io {

Acknowledged acknowledged(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) {
    int unread = 0;
    if (ioctl(fd, SIOCOUTQ, &unread) < 0) return {};
    return {.bytes = std::uint64_t{0} - static_cast<std::uint64_t>(unread), .all = unread == 0};
  }
  return {.bytes = info.tcpi_bytes_acked,
          .all = info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0};
}

}  // namespace peal::io
