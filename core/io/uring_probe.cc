// SPDX-License-Identifier: Apache-2.0
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "core/base/fd.h"
#include "core/io/uring_backend.h"

namespace peal::io {
namespace {

/// Collects what one sink sees of a receive through a pair of sockets.
class ProbeSink final : public EventSink {
 public:
  void on_accept(std::uint32_t, int) override {}
  void on_accept_end(std::uint32_t, int) override {}
  void on_send(SlotId, int) override {}
  void on_wake() override {}
  void on_receive(SlotId, Received received) override {
    error = received.error;
    bytes += received.bytes.size();
    stayed_armed = received.armed;
  }

  int error = 0;
  std::size_t bytes = 0;
  bool stayed_armed = false;
};

Result<> try_multishot(UringBackend& backend) {
  std::array<int, 2> pair;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) < 0)
    return last_error("socketpair");
  const Fd near(pair[0]), far(pair[1]);
  constexpr std::string_view text = "probe";
  if (::write(far.get(), text.data(), text.size()) < 0) return last_error("write");
  ProbeSink sink;
  backend.receive(near.get(), {0, 0});
  if (auto waited = backend.wait(std::chrono::seconds(1)); !waited) return waited;
  backend.deliver(sink);
  if (sink.error != 0) return error("multishot receive", sink.error);
  if (sink.bytes != text.size() || !sink.stayed_armed) return error("multishot receive", ENOTSUP);
  return {};
}

/// Whether a socket that lies aside receives, and can be asked for its options.
bool try_aside(UringBackend& backend) {
  std::array<int, 2> pair;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) < 0) return false;
  const Fd far(pair[1]);
  const auto near = backend.put_aside(pair[0]);
  if (!near) {
    ::close(pair[0]);
    return false;
  }
  const Fd again = backend.reopen(*near);
  if (!again || ::write(again.get(), "x", 1) != 1) return false;
  char octet = 0;
  if (::read(far.get(), &octet, 1) != 1 || ::write(far.get(), "y", 1) != 1) return false;
  ProbeSink sink;
  backend.receive(*near, {0, 0});
  if (!backend.wait(std::chrono::seconds(1))) return false;
  backend.deliver(sink);
  return sink.error == 0 && sink.bytes == 1;
}

Result<UringFeatures> try_features(UringFeatures features) {
  auto backend = UringBackend::create(features);
  if (!backend) return std::unexpected(backend.error());
  if (auto done = try_multishot(**backend); !done) return std::unexpected(done.error());
  features.aside = try_aside(**backend);
  return features;
}

}  // namespace

Result<UringFeatures> probe_uring() {
  // EINVAL: a kernel that has io_uring but not that much. Anything else forbids io_uring at all.
  constexpr std::array kFromTheBest = {UringFeatures{.defer_taskrun = true, .by_turns = true},
                                       UringFeatures{.defer_taskrun = true}, UringFeatures{}};
  Result<UringFeatures> found;
  for (const UringFeatures& features : kFromTheBest) {
    found = try_features(features);
    if (found || found.error().sys_errno != EINVAL) break;
  }
  return found;
}

}  // namespace peal::io
