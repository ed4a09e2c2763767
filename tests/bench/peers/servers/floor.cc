// SPDX-License-Identifier: Apache-2.0
// The least that a server can do for a WebSocket client that checks what it gets: io_uring as peal
// uses it, an upgrade, then each frame goes back unmasked (/echo) or goes to everybody (/chat).
// There are no time-outs, limits, routes, pings or checks of what comes, and what a client sends is
// sent back as it arrives, before its message is whole. PORT in the environment says where.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/ws/frame_header.h"
#include "core/ws/handshake.h"
#include "core/ws/mask.h"

namespace {

using namespace peal;

constexpr unsigned kBuffers = 1024;
constexpr unsigned kBufferSize = (16 << 10) + 64;  // 16 KiB and a header
constexpr unsigned kHeadroom = 64;  // before each: for the part of a header that came earlier
constexpr std::size_t kGathered = 64;
constexpr std::uint16_t kNone = 0xffff;
enum Operation : std::uint64_t { kAccept, kReceive, kSend, kNews };

/// Pieces of one send.
struct Gather {
  msghdr head{};
  std::array<iovec, kGathered> pieces{};
};

struct Connection {
  enum class Kind : std::uint8_t { asking, echo, chat };
  Kind kind = Kind::asking;
  bool sending = false;
  bool due = false;  // stands in the list of those that have something to send
  bool over = false;
  std::uint8_t stashed = 0;     // octets of a header that is not whole
  std::uint16_t first = kNone;  // buffers that wait to be sent, or are
  std::uint16_t last = kNone;   //
  std::uint32_t key = 0;        // of the frame that is coming, turned to the next octet
  std::uint32_t place = 0;      // in the list of those that hear the news
  std::uint64_t left = 0;       // octets of its payload
  std::array<std::byte, ws::kMaxClientHeader> stash{};
  std::string text;  // the request; later a message in pieces
  std::unique_ptr<Gather> gather;
};

/// A frame on its way to everybody.
struct News {
  std::string frame;
  std::uint32_t sends = 0;
};

class Floor {
 public:
  explicit Floor(int listener) : memory_(std::size_t{kBuffers} * (kBufferSize + kHeadroom)) {
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
    accept(listener);
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
      send_due();
    }
  }

 private:
  struct Piece {
    std::byte* begin;
    std::size_t size;
    std::uint16_t next;
  };

  // user_data: the operation, a descriptor, a buffer or the number of the news.
  static std::uint64_t pack(std::uint64_t operation, int fd, std::uint16_t number) {
    return operation | static_cast<std::uint64_t>(fd) << 8 | std::uint64_t{number} << 40;
  }

  io_uring_sqe* next() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe) return sqe;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }

  std::byte* at(std::uint16_t buffer) {
    return memory_.data() + std::size_t{buffer} * (kBufferSize + kHeadroom) + kHeadroom;
  }

  void give(std::uint16_t buffer) {
    io_uring_buf_ring_add(buffers_, at(buffer), kBufferSize, buffer,
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

  void accept(int listener) {
    io_uring_sqe* sqe = next();
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, pack(kAccept, listener, 0));
  }

  void receive(int fd) {
    io_uring_sqe* sqe = next();
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    io_uring_sqe_set_data64(sqe, pack(kReceive, fd, 0));
  }

  void handle(const io_uring_cqe& cqe) {
    const auto fd = static_cast<int>(cqe.user_data >> 8 & 0xffffffff);
    const auto number = static_cast<std::uint16_t>(cqe.user_data >> 40);
    switch (cqe.user_data & 0xff) {
      case kAccept:
        if (cqe.res >= 0) open(cqe.res);
        if (!(cqe.flags & IORING_CQE_F_MORE)) accept(fd);
        break;
      case kReceive:
        if (cqe.res > 0)
          on_receive(fd, static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT),
                     static_cast<std::size_t>(cqe.res));
        if (cqe.flags & IORING_CQE_F_MORE) break;
        if (cqe.res > 0 || cqe.res == -ENOBUFS)
          receive(fd);
        else
          end(fd);
        break;
      case kSend:
        on_sent(fd);
        break;
      case kNews:
        if (--news_[number].sends == 0) free_news_.push_back(number);
        break;
    }
  }

  void open(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connections_.size() <= static_cast<std::size_t>(fd))
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    connections_[static_cast<std::size_t>(fd)] = std::make_unique<Connection>();
    receive(fd);
  }

  Connection& of(int fd) { return *connections_[static_cast<std::size_t>(fd)]; }

  void end(int fd) {
    Connection& connection = of(fd);
    connection.over = true;
    if (connection.kind == Connection::Kind::chat) {
      const int moved = listeners_[connection.place] = listeners_.back();
      of(moved).place = connection.place;
      listeners_.pop_back();
      connection.kind = Connection::Kind::asking;
    }
    if (connection.sending) return;
    for (; connection.first != kNone; connection.first = pieces_[connection.first].next)
      give(connection.first);
    connections_[static_cast<std::size_t>(fd)].reset();
    ::close(fd);
  }

  void on_receive(int fd, std::uint16_t buffer, std::size_t size) {
    Connection& connection = of(fd);
    switch (connection.kind) {
      case Connection::Kind::asking:
        connection.text.append(reinterpret_cast<const char*>(at(buffer)), size);
        give(buffer);
        if (connection.text.ends_with("\r\n\r\n")) upgrade(fd, connection);
        break;
      case Connection::Kind::echo:
        echo(fd, connection, buffer, size);
        break;
      case Connection::Kind::chat:
        connection.text.append(reinterpret_cast<const char*>(at(buffer)), size);
        give(buffer);
        publish(fd, connection);
        break;
    }
  }

  void upgrade(int fd, Connection& connection) {
    constexpr std::string_view mark = "Sec-WebSocket-Key: ";
    const auto found = connection.text.find(mark);
    if (found == std::string::npos) return static_cast<void>(::shutdown(fd, SHUT_RDWR));
    const ws::AcceptKey key = ws::accept_key(connection.text.substr(found + mark.size(), 24));
    const bool chat = connection.text.starts_with("GET /chat");
    connection.text =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        std::string(key.data(), key.size()) + "\r\n\r\n";
    // The answer fits any socket's buffer, so this is over at once.
    PEAL_CHECK(::send(fd, connection.text.data(), connection.text.size(), MSG_NOSIGNAL) > 0 ||
               errno == ECONNRESET || errno == EPIPE);
    connection.text = {};
    connection.kind = chat ? Connection::Kind::chat : Connection::Kind::echo;
    if (!chat) return;
    connection.place = static_cast<std::uint32_t>(listeners_.size());
    listeners_.push_back(fd);
  }

  /// Turns what has come into what goes back, in place.
  void echo(int fd, Connection& connection, std::uint16_t buffer, std::size_t size) {
    std::byte* in = at(buffer);
    const std::byte* const end = in + size;
    // What is missing of a header that began earlier is put together in the headroom.
    in -= connection.stashed;
    std::memcpy(in, connection.stash.data(), connection.stashed);
    connection.stashed = 0;
    std::byte* const begin = in;
    std::byte* out = in;
    while (in < end) {
      if (connection.left == 0) {
        const auto rest = static_cast<std::size_t>(end - in);
        const ws::FrameHeader header = ws::decode_header({in, rest}, ws::Role::server);
        if (header.error || header.opcode == ws::Opcode::close) {
          ::shutdown(fd, SHUT_RD);
          break;
        }
        if (header.size == 0) {
          std::memcpy(connection.stash.data(), in, rest);
          connection.stashed = static_cast<std::uint8_t>(rest);
          break;
        }
        in += header.size;
        connection.left = header.payload_size;
        connection.key = header.key;
        out += ws::server_header_size(header.payload_size);
        ws::write_server_header_before(out, header.opcode, header.fin, header.payload_size);
      }
      const auto part = static_cast<std::size_t>(
          std::min<std::uint64_t>(connection.left, static_cast<std::uint64_t>(end - in)));
      std::memmove(out, in, part);
      ws::unmask({out, part}, connection.key);
      connection.key = ws::rotate_key(connection.key, part);
      connection.left -= part;
      in += part;
      out += part;
    }
    if (out == begin) return give(buffer);
    queue(connection, buffer, begin, static_cast<std::size_t>(out - begin));
    if (connection.due || connection.sending) return;
    connection.due = true;
    due_.push_back(fd);
  }

  /// All that a turn brought about for a connection leaves in one operation.
  void send_due() {
    for (const int fd : due_) {
      Connection* const connection = connections_[static_cast<std::size_t>(fd)].get();
      if (!connection || !connection->due) continue;
      connection->due = false;
      if (!connection->sending) send(fd, *connection);
    }
    due_.clear();
  }

  void queue(Connection& connection, std::uint16_t buffer, std::byte* begin, std::size_t size) {
    pieces_[buffer] = {begin, size, kNone};
    if (connection.last == kNone)
      connection.first = buffer;
    else
      pieces_[connection.last].next = buffer;
    connection.last = buffer;
  }

  /// All that is queued, up to kGathered pieces, in one operation.
  void send(int fd, Connection& connection) {
    connection.sending = true;
    io_uring_sqe* sqe = next();
    const Piece& first = pieces_[connection.first];
    if (first.next == kNone) {
      io_uring_prep_send(sqe, fd, first.begin, first.size, MSG_NOSIGNAL | MSG_WAITALL);
      sent_of(connection) = 1;
    } else {
      if (!connection.gather) connection.gather = std::make_unique<Gather>();
      Gather& gather = *connection.gather;
      std::size_t count = 0;
      for (std::uint16_t each = connection.first; each != kNone && count < kGathered;
           each = pieces_[each].next)
        gather.pieces[count++] = {pieces_[each].begin, pieces_[each].size};
      gather.head = {};
      gather.head.msg_iov = gather.pieces.data();
      gather.head.msg_iovlen = count;
      io_uring_prep_sendmsg(sqe, fd, &gather.head, MSG_NOSIGNAL | MSG_WAITALL);
      sent_of(connection) = static_cast<std::uint32_t>(count);
    }
    io_uring_sqe_set_data64(sqe, pack(kSend, fd, 0));
  }

  /// How many pieces are under way; an echo hears no news, so `place` is free for that.
  static std::uint32_t& sent_of(Connection& connection) { return connection.place; }

  void on_sent(int fd) {
    Connection& connection = of(fd);
    connection.sending = false;
    for (std::uint32_t count = sent_of(connection); count > 0; --count) {
      const std::uint16_t buffer = connection.first;
      connection.first = pieces_[buffer].next;
      if (connection.first == kNone) connection.last = kNone;
      give(buffer);
    }
    if (connection.over) return end(fd);
    if (connection.first != kNone) send(fd, connection);
  }

  /// Each whole frame of what has come goes to everybody.
  void publish(int fd, Connection& connection) {
    while (!connection.text.empty()) {
      const MutableBytes input{reinterpret_cast<std::byte*>(connection.text.data()),
                               connection.text.size()};
      const ws::FrameHeader header = ws::decode_header(input, ws::Role::server);
      if (header.error || header.opcode == ws::Opcode::close)
        return static_cast<void>(::shutdown(fd, SHUT_RD));
      const std::size_t whole = header.size + header.payload_size;
      if (header.size == 0 || whole > input.size()) return;
      const MutableBytes payload = input.subspan(header.size, header.payload_size);
      ws::unmask(payload, header.key);
      const std::byte* const frame =
          ws::write_server_header_before(payload.data(), header.opcode, header.fin, payload.size());
      tell(std::string(reinterpret_cast<const char*>(frame),
                       static_cast<std::size_t>(input.data() + whole - frame)));
      connection.text.erase(0, whole);
    }
  }

  void tell(std::string frame) {
    if (listeners_.empty()) return;
    if (free_news_.empty()) {
      free_news_.push_back(static_cast<std::uint16_t>(news_.size()));
      news_.emplace_back();
    }
    const std::uint16_t number = free_news_.back();
    free_news_.pop_back();
    News& news = news_[number];
    news.frame = std::move(frame);
    news.sends = static_cast<std::uint32_t>(listeners_.size());
    for (const int fd : listeners_) {
      io_uring_sqe* sqe = next();
      io_uring_prep_send(sqe, fd, news.frame.data(), news.frame.size(), MSG_NOSIGNAL | MSG_WAITALL);
      io_uring_sqe_set_data64(sqe, pack(kNews, fd, number));
    }
  }

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<std::byte> memory_;
  std::array<Piece, kBuffers> pieces_{};
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::vector<int> due_;
  std::vector<int> listeners_;  // on /chat
  std::deque<News> news_;       // none moves while it is sent
  std::vector<std::uint16_t> free_news_;
};

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  PEAL_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  PEAL_CHECK(::listen(fd, 4096) == 0);
  return fd;
}

}  // namespace

int main() {
  const char* port = std::getenv("PORT");
  if (!port || std::getenv("TLS_CERT") || std::getenv("COMPRESS")) {
    std::fprintf(stderr, "floor: wants PORT, and has neither TLS nor compression\n");
    return 2;
  }
  Floor(listen_on(std::atoi(port))).run();
}
