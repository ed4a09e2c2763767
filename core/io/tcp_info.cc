// SPDX-License-Identifier: Apache-2.0
#include "core/io/tcp_info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace peal::io {

Acknowledged acknowledged(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return {};
  return {.bytes = info.tcpi_bytes_acked,
          .all = info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0};
}

}  // namespace peal::io
