// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/fd.h"

namespace peal::server {

/// SIGTERM and SIGINT as things to read. Blocks them, and ignores SIGPIPE, in the calling thread
/// and those it starts later.
///
/// Owner: the Server. Errors: none; without a signalfd(2) the process ends.
class SignalQueue {
 public:
  SignalQueue();

  /// Readable when a signal has come.
  int fd() const { return fd_.get(); }
  /// Takes one; 0 when there is none.
  int take();

 private:
  Fd fd_;
};

}  // namespace peal::server
