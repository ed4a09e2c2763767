// SPDX-License-Identifier: Apache-2.0
// No memory is taken from the heap for a message, once the pools have grown to what the load needs.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "config/load.h"
#include "core/io/listener.h"
#include "server/dispatcher.h"
#include "tests/support/backends.h"
#include "tests/support/test_shard.h"
#include "tests/support/ws_peer.h"

// The C library's own names for its allocator, which the definitions below stand before.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {
thread_local std::size_t allocations = 0;
}

// Everything in the process that allocates comes through here, operator new included.
extern "C" {
void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
}

namespace peal {
namespace {

constexpr const char* kSite = R"(
[listen.a]
address = "127.0.0.1:0"
[route.echo]
path = "/echo"
type = "echo"
[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
)";

/// A real connection whose client side allocates nothing once it is open.
class Client {
 public:
  Client(test::TestShard<server::Dispatcher>& shard, std::uint16_t port, std::string_view target)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), shard_(shard) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    test::WsPeer peer;
    write(peer.handshake(target));
    while (!peer.accepted()) {
      turn();
      const ssize_t size = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size > 0) peer.take({buffer_.data(), static_cast<std::size_t>(size)});
    }
  }

  void write(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t size = ::send(fd_.get(), octets.data(), octets.size(), MSG_DONTWAIT);
      if (size > 0) octets.remove_prefix(static_cast<std::size_t>(size));
      turn();
    }
  }

  /// Takes `size` octets, turning the shard for as long as they are not there.
  void read(std::size_t size) {
    while (size > 0) {
      const ssize_t got =
          ::recv(fd_.get(), buffer_.data(), std::min(size, buffer_.size()), MSG_DONTWAIT);
      if (got > 0)
        size -= static_cast<std::size_t>(got);
      else
        turn();
    }
  }

 private:
  void turn() { REQUIRE(shard_.turn()); }

  Fd fd_;
  test::TestShard<server::Dispatcher>& shard_;
  std::array<char, 64 << 10> buffer_;
};

/// One shard that serves kSite on a real socket.
class Server {
 public:
  explicit Server(std::unique_ptr<io::Backend> backend)
      : config_(config::load_text(kSite, "site.toml").config.value()),
        site_(server::Site::make(config_).value()),
        dispatcher_(site_, {}),
        shard_(0, std::move(backend), mesh_, admission_, {}, dispatcher_),
        listeners_(io::open_listeners("127.0.0.1", 0, 1).value()) {
    dispatcher_.attach(shard_.table, shard_.hub);
    shard_.reactor.backend().accept(0, listeners_.sockets[0].get());
  }
  ~Server() { shard_.table.abandon(); }

  std::uint16_t port() const { return listeners_.port; }
  test::TestShard<server::Dispatcher>& shard() { return shard_; }

 private:
  config::Config config_;
  server::Site site_;
  hub::Mesh mesh_{1};
  conn::Admission admission_{100};
  server::Dispatcher dispatcher_;
  test::TestShard<server::Dispatcher> shard_;
  io::ListenerGroup listeners_;
};

/// Allocations of `rounds` calls, after as many to warm up.
template <class Round>
std::size_t allocations_of(int rounds, Round&& round) {
  for (int i = 0; i < rounds; ++i) round();
  const std::size_t before = allocations;
  for (int i = 0; i < rounds; ++i) round();
  return allocations - before;
}

TEST_CASE("Allocations: the counter counts") {
  const std::size_t before = allocations;
  auto made = std::make_unique<std::array<char, 100>>();
  std::string long_enough(static_cast<std::size_t>(std::rand() % 2 + 100), 'x');
  std::free(std::malloc(10));
  CHECK(made);
  CHECK(long_enough.size() >= 100);
  CHECK(allocations - before >= 3);
}

TEST_CASE("Allocations: none for an echoed message, small, large or in fragments") {
  for (const auto& make : test::real_backends()) {
    Server server(make());
    CAPTURE(std::string(server.shard().reactor.backend().name()));
    Client client(server.shard(), server.port(), "/echo");
    test::WsPeer maker;
    std::string burst;
    for (int i = 0; i < 50; ++i) burst += maker.text(std::string(40, 'b'));
    const std::string small = maker.text(std::string(64, 's'));
    const std::string large = maker.frame(ws::Opcode::binary, std::string(100'000, 'l'));
    const std::string fragments = maker.frame(ws::Opcode::text, "one", false) + maker.ping("p") +
                                  maker.frame(ws::Opcode::continuation, "two");
    CHECK(allocations_of(2000, [&] {
            client.write(small);
            client.read(2 + 64);
            client.write(burst);
            client.read(50 * (2 + 40));
            client.write(fragments);
            client.read((2 + 1) + (2 + 6));
          }) == 0);
    CHECK(allocations_of(200, [&] {
            client.write(large);
            client.read(10 + 100'000);
          }) == 0);
  }
}

TEST_CASE("Allocations: none for a published message, nor for each of its receivers") {
  for (const auto& make : test::real_backends()) {
    Server server(make());
    CAPTURE(std::string(server.shard().reactor.backend().name()));
    std::vector<std::unique_ptr<Client>> members;
    for (int i = 0; i < 20; ++i)
      members.push_back(std::make_unique<Client>(server.shard(), server.port(), "/chat/room"));
    test::WsPeer maker;
    const std::string message = maker.text(std::string(64, 'm'));
    CHECK(allocations_of(1000, [&] {
            members[0]->write(message);
            for (const auto& member : members) member->read(2 + 64);
          }) == 0);
  }
}

}  // namespace
}  // namespace peal
