// SPDX-License-Identifier: Apache-2.0
#include "server/signals.h"

#include <sys/signalfd.h>

#include <csignal>

#include "core/base/check.h"

namespace peal::server {

SignalQueue::SignalQueue() {
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGTERM);
  sigaddset(&heard, SIGINT);
  sigaddset(&heard, SIGHUP);
  PEAL_CHECK(pthread_sigmask(SIG_BLOCK, &heard, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  fd_.reset(signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  PEAL_CHECK(fd_);
}

int SignalQueue::take() {
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace peal::server
