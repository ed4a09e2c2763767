// SPDX-License-Identifier: Apache-2.0
#include "core/io/uring_backend.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/io/file_limit.h"

namespace peal::io {
namespace {

constexpr std::uint16_t kBufferGroup = 0;
// IORING_RECVSEND_BUNDLE of newer headers: several buffers for one completion, or as here, where
// none is longer than one buffer, what a limit of each turn comes with.
constexpr std::uint16_t kBundle = 1U << 4;
constexpr std::size_t kBufferRingBytes = BufferPool::kCount * sizeof(io_uring_buf);

enum class Operation : std::uint8_t {
  ignored,
  accept,
  receive,
  receive_into,
  send,
  wake,
  connect,
  reopen,
  vacate,  ///< the close of what lay aside; the index is its place
};

// Of Linux 6.8 and 6.7; liburing 2.3 does not know them.
constexpr int kFixedFdInstall = 54;       // IORING_OP_FIXED_FD_INSTALL
constexpr std::uint32_t kSetSockOpt = 3;  // SOCKET_URING_OP_SETSOCKOPT

// user_data: the operation, 24 bits of generation, 32 bits of index.
std::uint64_t user_data(Operation operation, SlotId id) {
  return std::uint64_t{id.index} | std::uint64_t{id.generation} << 32 |
         static_cast<std::uint64_t>(operation) << 56;
}

SlotId slot_id(std::uint64_t data) {
  return {static_cast<std::uint32_t>(data),
          static_cast<std::uint32_t>(data >> 32) & SlotId::kGenerationMask};
}

unsigned place_of(Handle aside) {
  return static_cast<unsigned>(aside - kAside);
}

/// Says which socket a submission, otherwise complete, is for.
void aim(io_uring_sqe* sqe, Handle handle) {
  if (!is_aside(handle)) return;
  sqe->fd = static_cast<int>(place_of(handle));
  sqe->flags |= IOSQE_FIXED_FILE;
}

void select_buffer(io_uring_sqe* sqe) {
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kBufferGroup;
}

/// setsockopt(2), for what has no descriptor. `value` stays in place until it was submitted.
template <class Value>
void prepare_option(io_uring_sqe* sqe, Handle aside, int level, int option, const Value& value) {
  io_uring_prep_rw(IORING_OP_URING_CMD, sqe, -1, nullptr, 0, 0);
  sqe->cmd_op = kSetSockOpt;
  // level, optname, optlen and optval of newer headers.
  sqe->addr = static_cast<std::uint32_t>(level) | std::uint64_t{static_cast<std::uint32_t>(option)}
                                                      << 32;
  sqe->file_index = sizeof value;
  sqe->addr3 = reinterpret_cast<std::uintptr_t>(&value);
  aim(sqe, aside);
}

}  // namespace

Result<std::unique_ptr<UringBackend>> UringBackend::create(const UringFeatures& features,
                                                           std::optional<int> aside_from) {
  std::unique_ptr<UringBackend> backend(new UringBackend);
  if (auto done = backend->set_up(features); !done) return std::unexpected(done.error());
  if (auto done = backend->set_up_buffers(); !done) return std::unexpected(done.error());
  backend->wake_fd_.reset(eventfd(0, EFD_CLOEXEC));
  if (!backend->wake_fd_) return last_error("eventfd");
  backend->arm_wake();
  const auto most = static_cast<int>(std::min<std::uint64_t>(file_limit(), kAside));
  if (features.by_turns) backend->piece_ = BufferPool::kSize;
  if (features.aside)
    backend->aside_from_ = aside_from.value_or(most - static_cast<int>(spare_files(file_limit())));
  return backend;
}

UringBackend::~UringBackend() {
  if (ring_ready_) io_uring_queue_exit(&ring_);
  if (buffer_ring_) munmap(buffer_ring_, kBufferRingBytes);
}

Result<> UringBackend::set_up(const UringFeatures& features) {
  io_uring_params params{};
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SINGLE_ISSUER |
                 (features.defer_taskrun ? IORING_SETUP_DEFER_TASKRUN : IORING_SETUP_COOP_TASKRUN);
  params.cq_entries = kCompletions;
  if (int made = io_uring_queue_init_params(kSubmissions, &ring_, &params); made < 0)
    return error("io_uring_setup", -made);
  ring_ready_ = true;
  enter_.emplace(ring_);
  gather_.headers.reserve(GatherArena::kHeaders);
  gather_.parts.reserve(GatherArena::kParts);
  return {};
}

Result<> UringBackend::set_up_buffers() {
  if (!buffers_.mapped()) return error("mmap", ENOMEM);
  void* memory =
      mmap(nullptr, kBufferRingBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return last_error("mmap");
  buffer_ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_ring_init(buffer_ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = BufferPool::kCount;
  registration.bgid = kBufferGroup;
  if (int made = io_uring_register_buf_ring(&ring_, &registration, 0); made < 0)
    return error("io_uring_register_buf_ring", -made);
  return {};
}

io_uring_sqe* UringBackend::next_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  if (!sqe) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
    PEAL_CHECK(sqe);
  }
  return sqe;
}

void UringBackend::arm_wake() {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_read(sqe, wake_fd_.get(), &wake_count_, sizeof wake_count_, 0);
  io_uring_sqe_set_data64(sqe, user_data(Operation::wake, {}));
}

void UringBackend::accept(std::uint32_t listener, int listener_fd) {
  if (listener >= accepts_.size()) accepts_.resize(listener + 1);
  Accepts& accepts = accepts_[listener];
  accepts.fd = listener_fd;
  accepts.active = true;
  accepts.once = false;
  accepts.wanted = 1;
  if (accepts.armed == 0) arm_accept(listener);
}

void UringBackend::accept_one(std::uint32_t listener, int listener_fd) {
  accept(listener, listener_fd);
  accepts_[listener].once = true;
}

void UringBackend::stop_accept(std::uint32_t listener, int) {
  accepts_[listener].active = false;
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_cancel64(sqe, user_data(Operation::accept, {listener, 0}), IORING_ASYNC_CANCEL_ALL);
  io_uring_sqe_set_data64(sqe, user_data(Operation::ignored, {}));
}

/// An accept that is still armed may take one before us: its event follows.
int UringBackend::accept_waiting(int listener_fd) {
  fcntl(listener_fd, F_SETFL, O_NONBLOCK);
  return accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
}

void UringBackend::arm_accept(std::uint32_t listener) {
  Accepts& accepts = accepts_[listener];
  io_uring_sqe* sqe = next_sqe();
  // Not SOCK_NONBLOCK: io_uring would then report EAGAIN instead of waiting for us.
  io_uring_prep_accept(sqe, accepts.fd, nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(sqe, user_data(Operation::accept, {listener, 0}));
  ++accepts.armed;
}

void UringBackend::arm_accepts() {
  for (std::uint32_t listener = 0; listener < accepts_.size(); ++listener) {
    Accepts& accepts = accepts_[listener];
    const unsigned arrived = std::exchange(accepts.arrived, 0);
    if (!accepts.active || accepts.once) continue;
    accepts.wanted = arrived >= accepts.wanted ? std::min(2 * accepts.wanted, most_accepts_) : 1;
    while (accepts.armed < accepts.wanted) arm_accept(listener);
  }
}

Handle UringBackend::adopt(int fd) {
  if (fd < aside_from_) return fd;
  return put_aside(fd).value_or(fd);
}

std::optional<Handle> UringBackend::put_aside(int fd) {
  const auto place = files_.put(ring_, fd);
  if (!place) return std::nullopt;
  ::close(fd);
  return kAside + static_cast<Handle>(*place);
}

Fd UringBackend::reopen(Handle aside) {
  const std::uint64_t data = user_data(Operation::reopen, {++reopened_, 0});
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_rw(kFixedFdInstall, sqe, -1, nullptr, 0, 0);
  aim(sqe, aside);
  io_uring_sqe_set_data64(sqe, data);
  io_uring_submit(&ring_);
  const unsigned end = io_uring_smp_load_acquire(ring_.cq.ktail);
  for (unsigned at = *ring_.cq.khead; at != end; ++at) {
    io_uring_cqe& cqe = ring_.cq.cqes[at & ring_.cq.ring_mask];
    if (cqe.user_data != data) continue;
    cqe.user_data = user_data(Operation::ignored, {});
    return Fd(std::max(cqe.res, -1));
  }
  return Fd();  // it comes later, and is closed then
}

void UringBackend::connect(Handle fd, SlotId id, const sockaddr* address, socklen_t size) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_connect(sqe, fd, address, size);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::connect, id));
}

void UringBackend::receive(Handle fd, SlotId id) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recv_multishot(sqe, fd, nullptr, piece_, 0);
  if (piece_ > 0) sqe->ioprio |= kBundle;
  select_buffer(sqe);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::receive, id));
}

/// Without a system call to end it, which a multishot receive would need.
void UringBackend::receive_once(Handle fd, SlotId id) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recv(sqe, fd, nullptr, BufferPool::kSize, 0);
  select_buffer(sqe);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::receive, id));
}

void UringBackend::receive_into(Handle fd, SlotId id, MutableBytes room) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recv(sqe, fd, room.data(), room.size(), 0);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::receive_into, id));
}

bool UringBackend::stop_receive(int, SlotId id) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_cancel64(sqe, user_data(Operation::receive, id), 0);
  io_uring_sqe_set_data64(sqe, user_data(Operation::ignored, {}));
  return true;
}

// MSG_WAITALL makes the kernel go on after a short send, which saves us a round trip.
std::optional<int> UringBackend::send(Handle fd, SlotId id, Bytes bytes) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::send, id));
  return std::nullopt;
}

std::optional<int> UringBackend::send(Handle fd, SlotId id, std::span<const iovec> parts) {
  if (gather_.headers.size() == GatherArena::kHeaders ||
      gather_.parts.size() + parts.size() > GatherArena::kParts) {
    io_uring_submit(&ring_);
    // Some of it may have to wait: then the first part goes alone, which is as good as a short
    // send.
    if (!empty_gather_arena())
      return send(fd, id,
                  Bytes{static_cast<const std::byte*>(parts[0].iov_base), parts[0].iov_len});
  }
  iovec* first = gather_.parts.data() + gather_.parts.size();
  gather_.parts.insert(gather_.parts.end(), parts.begin(), parts.end());
  msghdr& header = gather_.headers.emplace_back();
  header.msg_iov = first;
  header.msg_iovlen = parts.size();
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_sendmsg(sqe, fd, &header, MSG_NOSIGNAL | MSG_WAITALL);
  aim(sqe, fd);
  io_uring_sqe_set_data64(sqe, user_data(Operation::send, id));
  return std::nullopt;
}

/// False when submissions that the kernel has not taken yet may still point into it.
bool UringBackend::empty_gather_arena() {
  if (io_uring_sq_ready(&ring_) > 0) return false;
  gather_.headers.clear();
  gather_.parts.clear();
  return true;
}

void UringBackend::shut_down(Handle fd, int how) {
  if (!is_aside(fd)) {
    ::shutdown(fd, how);
    return;
  }
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_shutdown(sqe, -1, how);
  aim(sqe, fd);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, user_data(Operation::ignored, {}));
}

void UringBackend::close(Handle fd, SlotId, bool reset) {
  static constexpr linger kNone{.l_onoff = 1, .l_linger = 0};
  if (is_aside(fd)) {
    if (reset) {
      io_uring_sqe* sqe = next_sqe();
      prepare_option(sqe, fd, SOL_SOCKET, SO_LINGER, kNone);
      sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
      io_uring_sqe_set_data64(sqe, user_data(Operation::ignored, {}));
    }
    io_uring_sqe* sqe = next_sqe();
    io_uring_prep_close_direct(sqe, place_of(fd));
    io_uring_sqe_set_data64(sqe, user_data(Operation::vacate, {place_of(fd), 0}));
    return;
  }
  if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &kNone, sizeof kNone);
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_close(sqe, fd);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, user_data(Operation::ignored, {}));
}

void UringBackend::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the wake is under way already.
  if (::write(wake_fd_.get(), &one, sizeof one) < 0) return;
}

void UringBackend::refill_buffers() {
  if (std::exchange(ran_out_, false)) lend_target_ = std::min(2 * lend_target_, BufferPool::kCount);
  const int mask = io_uring_buf_ring_mask(BufferPool::kCount);
  int count = 0;
  std::uint16_t id;
  while (lent_ < lend_target_ && buffers_.lend(id)) {
    io_uring_buf_ring_add(buffer_ring_, buffers_.address(id), BufferPool::kSize, id, mask, count);
    ++count;
    ++lent_;
  }
  if (count > 0) io_uring_buf_ring_advance(buffer_ring_, count);
}

void UringBackend::submit() {
  if (io_uring_sq_ready(&ring_) > 0) io_uring_submit(&ring_);
}

Result<> UringBackend::wait(std::optional<Duration> timeout) {
  arm_accepts();
  refill_buffers();
  const bool pause = !timeout || *timeout > Duration::zero();
  const int done = pause ? (*enter_)(1, timeout) : (*enter_)(0, std::nullopt);
  empty_gather_arena();
  // EBUSY and EAGAIN: completions must be taken first, the rest is submitted in the next turn.
  if (done < 0 && done != -ETIME && done != -EINTR && done != -EBUSY && done != -EAGAIN)
    return error("io_uring_enter", -done);
  return {};
}

void UringBackend::deliver(EventSink& sink) {
  constexpr unsigned kBatch = 256;  // completions taken before their places are given back
  for (unsigned taken = 0; taken < kCompletions;) {
    unsigned head;
    unsigned count = 0;
    io_uring_cqe* cqe;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      deliver_one(*cqe, sink);
      if (++count == kBatch) break;
    }
    if (count == 0) break;
    io_uring_cq_advance(&ring_, count);
    taken += count;
  }
}

void UringBackend::deliver_one(const io_uring_cqe& cqe, EventSink& sink) {
  const SlotId id = slot_id(cqe.user_data);
  switch (static_cast<Operation>(cqe.user_data >> 56)) {
    case Operation::receive:
      deliver_receive(cqe, id, sink);
      break;
    case Operation::receive_into:
      sink.on_receive_into(id, cqe.res);
      break;
    case Operation::send:
      sink.on_send(id, cqe.res);
      break;
    case Operation::accept:
      deliver_accept(cqe, id.index, sink);
      break;
    case Operation::wake:
      arm_wake();
      sink.on_wake();
      break;
    case Operation::connect:
      sink.on_connect(id, -cqe.res);
      break;
    case Operation::vacate:
      files_.vacated(id.index);
      break;
    case Operation::reopen:
      Fd(std::max(cqe.res, -1)).reset();
      break;
    case Operation::ignored:
      break;
  }
}

void UringBackend::deliver_accept(const io_uring_cqe& cqe, std::uint32_t listener,
                                  EventSink& sink) {
  Accepts& accepts = accepts_[listener];
  --accepts.armed;
  if (cqe.res >= 0) {
    ++accepts.arrived;
    sink.on_accept(listener, cqe.res);
  }
  const bool ended = accepts.once || cqe.res < 0;
  if (!ended || !accepts.active) return;  // of several that fail, the first one tells
  accepts.active = false;
  if (accepts.armed > 0) stop_accept(listener, accepts.fd);
  sink.on_accept_end(listener, cqe.res >= 0 ? 0 : -cqe.res);
}

void UringBackend::deliver_receive(const io_uring_cqe& cqe, SlotId id, EventSink& sink) {
  Received received;
  received.armed = cqe.flags & IORING_CQE_F_MORE;
  if (cqe.res < 0) received.error = -cqe.res;
  if (cqe.res == -ENOBUFS) ran_out_ = true;
  if (cqe.flags & IORING_CQE_F_BUFFER) {
    const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    buffers_.adopt(buffer);
    --lent_;
    received.lease = BufferLease(buffers_, buffer);
    PEAL_CHECK(cqe.res <= static_cast<int>(BufferPool::kSize));  // of one buffer, though a bundle
    if (cqe.res > 0) received.bytes = {received.lease.data(), static_cast<std::size_t>(cqe.res)};
  }
  sink.on_receive(id, std::move(received));
}

}  // namespace peal::io
