// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <memory>
#include <vector>

#include "core/base/fd.h"
#include "core/io/backend.h"

namespace peal::io {

/// What this kernel lets a UringBackend use. A value.
struct UringFeatures {
  bool defer_taskrun = false;  ///< Linux 6.1: completions are worked off inside our own wait
};

/// Finds out by trying, not by version: sets a ring up, receives a few bytes through it and takes
/// it down again. The error says what the kernel refused.
Result<UringFeatures> probe_uring();

/// io_uring: multishot receive into a ring of provided buffers, sends handed over once a turn
/// together with the wait. No multishot accept: it takes all that wait at once, and a storm would
/// make one turn of it.
///
/// Owner: a Reactor; made on the thread that uses it (IORING_SETUP_SINGLE_ISSUER).
/// Limits: kSubmissions operations between two system calls; more make a call in between.
class UringBackend final : public Backend {
 public:
  static constexpr unsigned kSubmissions = 4096;
  static constexpr unsigned kCompletions = 32768;

  static Result<std::unique_ptr<UringBackend>> create(const UringFeatures& features);
  ~UringBackend() override;

  const char* name() const override { return "io_uring"; }
  void accept(std::uint32_t listener, int listener_fd) override;
  void accept_one(std::uint32_t listener, int listener_fd) override;
  void stop_accept(std::uint32_t listener, int listener_fd) override;
  void connect(int fd, SlotId id, const sockaddr* address, socklen_t size) override;
  void receive(int fd, SlotId id) override;
  bool stop_receive(int fd, SlotId id) override;
  std::optional<int> send(int fd, SlotId id, Bytes bytes) override;
  std::optional<int> send(int fd, SlotId id, std::span<const iovec> parts) override;
  void shut_down(int fd, int how) override;
  void close(int fd, SlotId id, bool reset) override;
  void wake() override;
  Result<> wait(std::optional<Duration> timeout) override;
  void deliver(EventSink& sink) override;
  BufferPool& buffers() override { return buffers_; }

 private:
  UringBackend() = default;

  Result<> set_up(const UringFeatures& features);
  Result<> set_up_buffers();
  io_uring_sqe* next_sqe();
  void arm_wake();
  bool empty_gather_arena();
  void arm_accept(std::uint32_t listener);
  void arm_accepts();
  void deliver_accept(const io_uring_cqe& cqe, std::uint32_t listener, EventSink& sink);
  void refill_buffers();
  void deliver_one(const io_uring_cqe& cqe, EventSink& sink);
  void deliver_receive(const io_uring_cqe& cqe, SlotId id, EventSink& sink);

  /// Accepts of one listening socket: one is armed while it is quiet, and twice as many as before
  /// after a turn in which all have succeeded.
  struct Accepts {
    static constexpr unsigned kMost = 4;

    int fd = -1;
    bool active = false;
    bool once = false;     // accept_one()
    unsigned armed = 0;    // in the kernel
    unsigned wanted = 0;   // armed at the start of a turn
    unsigned arrived = 0;  // in this turn
  };

  /// Parts of vector sends, read by the kernel when it takes the submission, not later
  /// (IORING_FEAT_SUBMIT_STABLE).
  struct GatherArena {
    static constexpr std::size_t kHeaders = 1024;
    static constexpr std::size_t kParts = 16384;
    std::vector<msghdr> headers;
    std::vector<iovec> parts;
  };

  io_uring ring_{};
  bool ring_ready_ = false;
  io_uring_buf_ring* buffer_ring_ = nullptr;
  BufferPool buffers_;
  // How many buffers the kernel has, and is to have at the start of a turn: doubled after one in
  // which it ran out, so that no more memory is touched, and kept in the caches, than the load
  // needs.
  std::uint32_t lent_ = 0;
  std::uint32_t lend_target_ = 64;
  bool ran_out_ = false;
  std::vector<Accepts> accepts_;  // by listener
  Fd wake_fd_;
  std::uint64_t wake_count_ = 0;  // written by the kernel
  GatherArena gather_;
};

}  // namespace peal::io
