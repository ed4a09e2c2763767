// SPDX-License-Identifier: Apache-2.0
#include "server/io_choice.h"

#include <cerrno>
#include <fstream>
#include <optional>

#include "core/io/epoll_backend.h"

namespace peal::server {
namespace {

/// The sysctl that forbids io_uring to (some) processes. Nullopt where the kernel has none, or
/// ProcSubset=pid hides it (systemd.exec(5)).
std::optional<int> io_uring_disabled() {
  int value = 0;
  if (std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value) return value;
  return std::nullopt;
}

std::string who_forbids() {
  const auto disabled = io_uring_disabled();
  if (!disabled) return "a seccomp filter forbids it, or the sysctl kernel.io_uring_disabled";
  if (*disabled == 0) return "a seccomp filter forbids it, as container runtimes do by default";
  return "the sysctl kernel.io_uring_disabled is " + std::to_string(*disabled);
}

std::string explain_refusal(const Error& error) {
  std::string text = error.text();
  if (error.sys_errno == ENOSYS)
    text += " (the kernel has no io_uring, or a seccomp filter hides it)";
  else if (error.sys_errno == EPERM)
    text += " (" + who_forbids() + ")";
  else if (error.sys_errno == EINVAL || error.sys_errno == ENOTSUP)
    text += " (multishot receive needs Linux 6.0)";
  return text;
}

}  // namespace

std::expected<IoChoice, std::string> choose_io(config::IoChoice wanted) {
  if (wanted == config::IoChoice::epoll) return IoChoice{.why = "epoll, as configured"};
  const auto features = io::probe_uring();
  if (features) {
    const char* task_work =
        features->defer_taskrun ? "DEFER_TASKRUN" : "COOP_TASKRUN (DEFER_TASKRUN needs Linux 6.1)";
    return IoChoice{
        .uring = true,
        .features = *features,
        .why = "io_uring: multishot receive, provided buffers, " + std::string(task_work)};
  }
  const std::string refusal = explain_refusal(features.error());
  if (wanted == config::IoChoice::io_uring)
    return std::unexpected("server.io = \"io_uring\", but it cannot be used: " + refusal);
  return IoChoice{.why = "epoll, because io_uring cannot be used: " + refusal};
}

Result<std::unique_ptr<io::Backend>> IoChoice::make_backend() const {
  if (uring) {
    auto made = io::UringBackend::create(features);
    if (!made) return std::unexpected(made.error());
    return std::move(*made);
  }
  auto made = io::EpollBackend::create();
  if (!made) return std::unexpected(made.error());
  return std::move(*made);
}

}  // namespace peal::server
