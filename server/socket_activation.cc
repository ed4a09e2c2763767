// SPDX-License-Identifier: Apache-2.0
#include "server/socket_activation.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace peal::server {

std::vector<PassedSocket> take_passed_sockets() {
  std::vector<PassedSocket> passed;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    passed.push_back({names[i], Fd(SD_LISTEN_FDS_START + i)});
    std::free(names[i]);
  }
  std::free(names);
  return passed;
}

bool is_stream_listener(int fd) {
  return sd_is_socket(fd, AF_INET, SOCK_STREAM, 1) > 0 ||
         sd_is_socket(fd, AF_INET6, SOCK_STREAM, 1) > 0 ||
         sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}

}  // namespace peal::server
