// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"
#include "core/base/fd.h"

namespace peal::server {

/// SIGTERM and SIGINT as things to read. Blocks them, and ignores SIGPIPE, in the calling thread
/// and those it starts later.
///
/// Owner: the Server. Errors: without a signalfd(2) there is nothing to read.
class SignalQueue {
 public:
  SignalQueue();

  Result<> open();
  /// Readable when a signal has come.
  int fd() const { return fd_.get(); }
  /// Takes one; 0 when there is none.
  int take();

 private:
  Fd fd_;
};

}  // namespace peal::server
