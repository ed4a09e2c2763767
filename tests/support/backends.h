// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/io/epoll_backend.h"
#include "core/io/uring_backend.h"

namespace peal::test {

using MakeBackend = std::function<std::unique_ptr<io::Backend>()>;

/// epoll, and where this machine allows it io_uring, and the same with every socket aside.
inline std::vector<MakeBackend> real_backends() {
  std::vector<MakeBackend> backends;
  backends.emplace_back([] { return std::move(io::EpollBackend::create().value()); });
  if (const auto features = io::probe_uring()) {
    backends.emplace_back(
        [features] { return std::move(io::UringBackend::create(*features).value()); });
    if (features->aside)
      backends.emplace_back(
          [features] { return std::move(io::UringBackend::create(*features, 0).value()); });
  }
  return backends;
}

}  // namespace peal::test
