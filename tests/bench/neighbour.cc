// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/neighbour.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "core/base/check.h"

namespace peal::bench {
namespace {

constexpr Duration kPace = std::chrono::milliseconds(1);  // between two echoes

using WallClock = std::chrono::system_clock;  // that of SO_TIMESTAMPNS, socket(7)

/// Takes an answer of `size` bytes; returns when the last of it arrived in this host's kernel,
/// which begins to note that a moment after it was asked to.
std::optional<WallClock::time_point> receive(int fd, std::size_t size) {
  std::array<char, 256> answer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  iovec piece{.iov_base = answer.data(), .iov_len = size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  PEAL_CHECK(::recvmsg(fd, &message, MSG_WAITALL) == static_cast<ssize_t>(size));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_TIMESTAMPNS) return std::nullopt;
  timespec time;
  std::memcpy(&time, CMSG_DATA(header), sizeof time);
  return WallClock::time_point(std::chrono::seconds(time.tv_sec) +
                               std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

pid_t Attacker::begin() {
  const pid_t pid = fork();
  PEAL_CHECK(pid >= 0);
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  const sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
  return pid;
}

bool push(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

Times::Times(std::vector<double> times) {
  std::ranges::sort(times);
  median_us = times[times.size() / 2];
  p99_us = times[times.size() * 99 / 100];
}

RoundTrips measure(const Clients& client, Duration time) {
  const std::string frame = client_frame(64);
  const std::size_t size = frame.size() - 4;  // without the mask
  const int fd = client.socket(0);
  const int on = 1;
  PEAL_CHECK(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0);
  std::vector<double> whole, server;
  const Instant end = Clock::now() + time;
  for (Instant next = Clock::now(); std::max(next, Clock::now()) < end; next += kPace) {
    std::this_thread::sleep_until(next);
    const auto before = WallClock::now();
    PEAL_CHECK(push(fd, frame));
    const auto arrived = receive(fd, size);
    whole.push_back(to_us(WallClock::now() - before));
    if (arrived) server.push_back(to_us(*arrived - before));
  }
  PEAL_CHECK(!server.empty());
  return {Times(std::move(whole)), Times(std::move(server))};
}

}  // namespace peal::bench
