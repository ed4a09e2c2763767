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

Result<> try_features(const UringFeatures& features) {
  auto backend = UringBackend::create(features);
  if (!backend) return std::unexpected(backend.error());
  return try_multishot(**backend);
}

}  // namespace

Result<UringFeatures> probe_uring() {
  const UringFeatures best{.defer_taskrun = true};
  const auto tried = try_features(best);
  if (tried) return best;
  // EINVAL: a kernel that has io_uring but not that flag. Anything else forbids io_uring at all.
  if (tried.error().sys_errno != EINVAL) return std::unexpected(tried.error());
  const UringFeatures plain{.defer_taskrun = false};
  if (auto again = try_features(plain); !again) return std::unexpected(again.error());
  return plain;
}

}  // namespace peal::io
