// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/tcp_floor.h"

#include <liburing.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace peal::bench {
namespace {

constexpr unsigned kBuffers = 1024;
constexpr unsigned kBufferSize = (16 << 10) + 64;
enum : std::uint64_t { kAccept, kReceive, kSend, kNews };

class Floor {
 public:
  /// `news`: what every connection is sent whenever one of them sends anything; empty: what comes
  /// goes back.
  explicit Floor(int listener, std::string news = {})
      : news_(std::move(news)), memory_(std::size_t{kBuffers} * kBufferSize) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 32768;
    PEAL_CHECK(io_uring_queue_init_params(4096, &ring_, &params) == 0);
    io_uring_register_ring_fd(&ring_);
    void* space = mmap(nullptr, kBuffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    PEAL_CHECK(space != MAP_FAILED);
    buffers_ = static_cast<io_uring_buf_ring*>(space);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(space);
    registration.ring_entries = kBuffers;
    PEAL_CHECK(io_uring_register_buf_ring(&ring_, &registration, 0) == 0);
    for (unsigned id = 0; id < kBuffers; ++id) give(static_cast<std::uint16_t>(id));
    io_uring_sqe* sqe = next();
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, kAccept);
  }

  [[noreturn]] void run() {
    while (true) {
      io_uring_submit_and_wait(&ring_, 1);
      unsigned head;
      unsigned count = 0;
      io_uring_cqe* cqe;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        handle(*cqe);
        ++count;
      }
      io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  // user_data: the operation, a descriptor, a buffer.
  static std::uint64_t pack(std::uint64_t operation, int fd, std::uint16_t buffer) {
    return operation | static_cast<std::uint64_t>(fd) << 8 | std::uint64_t{buffer} << 40;
  }

  io_uring_sqe* next() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe) return sqe;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }

  char* at(std::uint16_t buffer) { return memory_.data() + std::size_t{buffer} * kBufferSize; }

  void give(std::uint16_t buffer) {
    io_uring_buf_ring_add(buffers_, at(buffer), kBufferSize, buffer,
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  void send(int fd, const char* bytes, std::size_t size, std::uint64_t operation,
            std::uint16_t buffer) {
    io_uring_sqe* sqe = next();
    io_uring_prep_send(sqe, fd, bytes, size, MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data64(sqe, pack(operation, fd, buffer));
  }

  void receive(int fd) {
    io_uring_sqe* sqe = next();
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    io_uring_sqe_set_data64(sqe, pack(kReceive, fd, 0));
  }

  void handle(const io_uring_cqe& cqe) {
    const auto fd = static_cast<int>(cqe.user_data >> 8);
    switch (cqe.user_data & 0xff) {
      case kAccept:
        if (cqe.res < 0) break;
        receive(cqe.res);
        connections_.push_back(cqe.res);
        break;
      case kReceive: {
        const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
        if (cqe.res > 0 && news_.empty()) {
          send(fd, at(buffer), static_cast<std::size_t>(cqe.res), kSend, buffer);
        } else if (cqe.res > 0) {
          give(buffer);
          for (const int to : connections_) send(to, news_.data(), news_.size(), kNews, 0);
        }
        if (!(cqe.flags & IORING_CQE_F_MORE) && (cqe.res > 0 || cqe.res == -ENOBUFS)) receive(fd);
        break;
      }
      case kSend:
        give(static_cast<std::uint16_t>(cqe.user_data >> 40));
        break;
      case kNews:
        break;
    }
  }

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  const std::string news_;
  std::vector<int> connections_;
  std::vector<char> memory_;
};

}  // namespace

void serve_tcp_floor(int listener) {
  Floor(listener).run();
}

void serve_tcp_fanout_floor(int listener, std::size_t size) {
  Floor(listener, std::string(size, 'x')).run();
}

}  // namespace peal::bench
