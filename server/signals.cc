// SPDX-License-Identifier: Apache-2.0
#include "server/signals.h"

#include <sys/signalfd.h>

#include <csignal>

#include "core/base/check.h"

namespace peal::server {

namespace {

sigset_t heard_signals() {
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGTERM);
  sigaddset(&heard, SIGINT);
  sigaddset(&heard, SIGHUP);
  return heard;
}

}  // namespace

SignalQueue::SignalQueue() {
  const sigset_t heard = heard_signals();
  PEAL_CHECK(pthread_sigmask(SIG_BLOCK, &heard, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
}

Result<> SignalQueue::open() {
  const sigset_t heard = heard_signals();
  fd_.reset(signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) return last_error("signalfd");
  return {};
}

int SignalQueue::take() {
  signalfd_siginfo info;
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace peal::server
