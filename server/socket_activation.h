// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/base/fd.h"

namespace peal::server {

/// A socket that the service manager has opened for us.
struct PassedSocket {
  std::string name;  ///< FileDescriptorName= of systemd.socket(5)
  Fd socket;
};

/// Takes over what LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID say (sd_listen_fds(3)), and them out
/// of the environment. Nothing when they are not meant for this process.
std::vector<PassedSocket> take_passed_sockets();

/// Whether a stream socket that listens, of the internet or of Unix, so one to accept clients on.
bool is_stream_listener(int fd);

}  // namespace peal::server
