// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/base/fd.h"
#include "core/io/backend.h"
#include "core/io/file_table.h"
#include "core/io/uring_enter.h"

namespace peal::io {

/// What this kernel lets a UringBackend use. A value.
struct UringFeatures {
  bool defer_taskrun = false;  ///< Linux 6.1: completions are worked off inside our own wait
  bool aside = false;          ///< Linux 6.8: sockets may lie in the ring's own table
  /// Linux 6.17: a socket that has filled a buffer waits until all others have had theirs. Without
  /// that it fills up to 32 at once.
  bool by_turns = false;
};

/// Finds out by trying, not by version: sets a ring up, receives a few bytes through it and takes
/// it down again. The error says what the kernel refused.
Result<UringFeatures> probe_uring();

/// io_uring: multishot receive into a ring of provided buffers, sends handed over once a turn
/// together with the wait. No multishot accept: it takes all that wait at once, and a storm would
/// make one turn of it.
///
/// Sockets have descriptors, as tools that look at a process expect, until RLIMIT_NOFILE is near;
/// from then on they lie in the ring's own table, which has as many places again.
///
/// Owner: a Reactor; made on the thread that uses it (IORING_SETUP_SINGLE_ISSUER).
/// Limits: kSubmissions operations between two system calls; more make a call in between.
class UringBackend final : public Backend {
 public:
  static constexpr unsigned kSubmissions = 4096;
  static constexpr unsigned kCompletions = 32768;

  /// `aside_from`: the first descriptor that is put aside, another one in tests only.
  static Result<std::unique_ptr<UringBackend>> create(const UringFeatures& features,
                                                      std::optional<int> aside_from = std::nullopt);
  ~UringBackend() override;

  const char* name() const override { return "io_uring"; }
  void accept(std::uint32_t listener, int listener_fd) override;
  void accept_one(std::uint32_t listener, int listener_fd) override;
  void stop_accept(std::uint32_t listener, int listener_fd) override;
  void accept_at_most(unsigned count) override { most_accepts_ = count; }
  int accept_waiting(int listener_fd) override;
  Handle adopt(int fd) override;
  Fd reopen(Handle aside) override;
  void connect(Handle fd, SlotId id, const sockaddr* address, socklen_t size) override;
  void receive(Handle fd, SlotId id) override;
  void receive_once(Handle fd, SlotId id) override;
  void receive_into(Handle fd, SlotId id, MutableBytes room) override;
  bool stop_receive(Handle fd, SlotId id) override;
  std::optional<int> send(Handle fd, SlotId id, Bytes bytes) override;
  std::optional<int> send(Handle fd, SlotId id, std::span<const iovec> parts) override;
  void shut_down(Handle fd, int how) override;
  void close(Handle fd, SlotId id, bool reset) override;
  void wake() override;
  void submit() override;
  Result<> wait(std::optional<Duration> timeout) override;
  void deliver(EventSink& sink) override;
  BufferPool& buffers() override { return buffers_; }

  /// adopt() for a socket that has to lie aside; nullopt, and `fd` stays open, when it cannot.
  std::optional<Handle> put_aside(int fd);

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
  std::optional<UringEnter> enter_;  // while ring_ready_
  io_uring_buf_ring* buffer_ring_ = nullptr;
  BufferPool buffers_;
  FileTable files_;
  unsigned piece_ = 0;          // bytes after which a receive lets others go first; 0: never
  int aside_from_ = kAside;     // descriptors from this number on are put aside
  std::uint32_t reopened_ = 0;  // how often
  // How many buffers the kernel has, and is to have at the start of a turn: doubled after one in
  // which it ran out, so that no more memory is touched, and kept in the caches, than the load
  // needs.
  std::uint32_t lent_ = 0;
  std::uint32_t lend_target_ = 32;
  bool ran_out_ = false;
  std::vector<Accepts> accepts_;  // by listener
  unsigned most_accepts_ = kMostAccepts;
  Fd wake_fd_;
  std::uint64_t wake_count_ = 0;  // written by the kernel
  GatherArena gather_;
};

}  // namespace peal::io
