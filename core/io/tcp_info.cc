// SPDX-License-Identifier: Apache-2.0
#include "core/io/tcp_info.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace peal::io {

std::uint64_t acknowledged(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) return info.tcpi_bytes_acked;
  int unread = 0;
  if (ioctl(fd, SIOCOUTQ, &unread) < 0) return 0;
  return std::uint64_t{0} - static_cast<std::uint64_t>(unread);
}

}  // namespace peal::io
