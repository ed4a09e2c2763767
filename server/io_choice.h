// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "config/config.h"
#include "core/base/error.h"
#include "core/io/backend.h"
#include "core/io/uring_backend.h"

namespace peal::server {

/// Which back end this process uses, found out once at the start.
struct IoChoice {
  bool uring = false;
  io::UringFeatures features = {};  ///< of io_uring, when `uring`
  std::string why = {};  ///< for the log: what is used, and what stands in the way of more

  const char* name() const { return uring ? "io_uring" : "epoll"; }
  /// A back end for the calling thread.
  Result<std::unique_ptr<io::Backend>> make_backend() const;
};

/// Probes the kernel as far as `wanted` asks for it. Error: why io_uring, which was demanded,
/// cannot be had.
std::expected<IoChoice, std::string> choose_io(config::IoChoice wanted);

}  // namespace peal::server
