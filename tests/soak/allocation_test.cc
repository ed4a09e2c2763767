// SPDX-License-Identifier: Apache-2.0
// A reactor allocates nothing for a message in the steady state. One whole shard runs in a thread
// of this process, real clients in another, and every call of the allocator on the shard's is
// counted.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

#include "config/load.h"
#include "core/io/listener.h"
#include "server/io_choice.h"
#include "server/shard.h"
#include "tests/bench/support.h"

namespace {

std::atomic<std::uint64_t> allocations{0};
thread_local bool counted = false;

void count() {
  if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// glibc's own, behind the names that this program's take (malloc(3), "Replacing malloc").
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
}

namespace {

using namespace peal;
using namespace peal::bench;

constexpr int kRuns = 5;
constexpr const char* kConfig = R"(
[listen.public]
address = "127.0.0.1:0"
[limits]
ping_interval = "0s"
[route.echo]
path = "/echo"
type = "echo"
[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}", "a topic with a name of some length/{topic}"]
auth = "none"
[route.kept]
path = "/kept/{room}"
type = "pubsub"
topics = ["kept/{room}"]
publish = "anyone"
[topic.kept]
match = "kept/**"
history = { size = 100 }
)";

/// One shard of the server, running until destruction.
class RunningShard {
 public:
  explicit RunningShard(config::IoChoice io) : choice_(server::choose_io(io).value()) {
    auto group = io::open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    port_ = group->port;
    std::vector<server::DoorSocket> doors;
    doors.push_back({0, std::move(group->sockets.front())});
    server::ShardSetup setup{.site = {std::shared_ptr<void>(), &site_},
                             .listeners = std::make_shared<server::ListenerSettings>(
                                 config_, server::Certificates(config_, diagnosis_)),
                             .mesh = &mesh_,
                             .admission = &admission_,
                             .notices = &notices_,
                             .settings = {.history_memory = 16 << 20},
                             .doors = std::move(doors),
                             .heartbeat = &heartbeat_,
                             .wake = [](hub::ShardIndex) {},
                             .drained = [] {}};
    thread_ = std::thread([this, setup = std::move(setup)]() mutable {
      shard_ = std::make_unique<server::Shard>(std::move(setup), choice_.make_backend().value());
      ready_ = true;
      counted = true;
      (void)shard_->run();
      counted = false;
    });
    while (!ready_) std::this_thread::yield();
  }
  ~RunningShard() {
    shard_->stop();
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

 private:
  server::IoChoice choice_;
  config::Config config_ = config::load_text(kConfig, "peal.toml").config.value();
  config::Diagnosis diagnosis_{"peal.toml"};
  server::Labels labels_;
  server::Site site_ = server::Site::make(config_, labels_).value();
  hub::Mesh mesh_{1};
  conn::Admission admission_{1000};
  server::Notices notices_{1};
  server::Heartbeat heartbeat_{1, Duration::zero()};
  std::uint16_t port_ = 0;
  std::unique_ptr<server::Shard> shard_;
  std::atomic<bool> ready_{false};
  std::thread thread_;
};

template <class Scenario>
void check_without_allocations(const char* path, std::size_t connections, Scenario scenario,
                               const std::string& extensions = {}) {
  for (const config::IoChoice io : {config::IoChoice::io_uring, config::IoChoice::epoll}) {
    CAPTURE(static_cast<int>(io));
    RunningShard shard(io);
    Clients clients(shard.port(), connections, path, extensions);
    scenario(clients);
    CHECK(allocations.load() > 0);  // the counter counts
    // Pools grow to the largest load there was; one run without any growth is the steady state.
    std::uint64_t grown = 1;
    for (int i = 0; i < kRuns && grown > 0; ++i) {
      const std::uint64_t before = allocations.load();
      scenario(clients);
      grown = allocations.load() - before;
    }
    CHECK(grown == 0);
  }
}

}  // namespace

TEST_CASE("Shard: an echoed message allocates nothing") {
  for (const std::size_t size : {std::size_t{5}, std::size_t{64}, std::size_t{16 << 10}}) {
    CAPTURE(size);
    const std::string frame = client_frame(size);
    check_without_allocations("/echo", 16, [&](Clients& clients) {
      clients.exchange(frame, frame.size() - 4, 1, std::chrono::milliseconds(100));
      clients.exchange(frame, frame.size() - 4, 16, std::chrono::milliseconds(100));
    });
  }
}

TEST_CASE("Shard: a message in pieces that is echoed allocates nothing") {
  const std::string frame = client_frame(300'000);
  check_without_allocations("/echo", 4, [&](Clients& clients) {
    clients.exchange(frame, frame.size() - 4, 1, std::chrono::milliseconds(150));
  });
}

TEST_CASE("Shard: a published and delivered message allocates nothing") {
  for (const std::size_t size : {std::size_t{64}, std::size_t{2000}}) {
    CAPTURE(size);
    const std::string frame = client_frame(size);
    check_without_allocations("/chat/lobby", 32, [&](Clients& clients) {
      clients.broadcast(frame, frame.size() - 4, 500);
    });
  }
}

TEST_CASE("Shard: a message that is kept, too, allocates nothing") {
  const std::string frame = client_frame(200);
  check_without_allocations("/kept/lobby", 32, [&](Clients& clients) {
    clients.broadcast(frame, frame.size() - 4, 500);
  });
}

TEST_CASE("Shard: a compressed message that is echoed, or delivered, allocates nothing") {
  for (const std::size_t size : {std::size_t{100}, std::size_t{5000}, std::size_t{300'000}}) {
    CAPTURE(size);
    std::string text;
    for (unsigned i = 1; text.size() < size; i = i * 1664525 + 1013904223)
      text += std::to_string(i >> 20) + " and some words, ";
    const std::string answer = compressed_server_frame(text);
    const std::string request = compressed_client_frame(answer);
    check_without_allocations(
        "/echo", 8,
        [&](Clients& clients) {
          clients.exchange(request, answer.size(), 1, std::chrono::milliseconds(100));
        },
        "permessage-deflate");
    if (size > 10'000) continue;
    check_without_allocations(
        "/chat/lobby", 32,
        [&](Clients& clients) { clients.broadcast(request, answer.size(), 200); },
        "permessage-deflate");
  }
}

TEST_CASE("Shard: a message that is published over HTTP allocates nothing") {
  for (const std::size_t size : {std::size_t{5}, std::size_t{3000}, std::size_t{40'000}}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    const std::string topic = "another-topic-with-a-name-of-some-length/and-a-second-segment";
    const std::string request =
        "POST /publish/" + topic +
        " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
        body;
    check_without_allocations("", 8, [&](Clients& clients) {
      clients.exchange_marked(request, ']', 1, std::chrono::milliseconds(100));
      clients.exchange_marked(request, ']', size > 10'000 ? 1 : 8, std::chrono::milliseconds(100));
    });
  }
}
