// SPDX-License-Identifier: Apache-2.0
// Connections that are opened, used and closed leave nothing behind in the real peald.
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>

#include "core/ws/frame_header.h"
#include "core/ws/mask.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;

#ifdef NDEBUG
constexpr std::size_t kConnections = 30'000;
#else
constexpr std::size_t kConnections = 5'000;  // checked builds are slow, and their memory is theirs
#endif
constexpr std::size_t kAtOnce = 250;
constexpr std::uint64_t kMemorySlack = 1 << 20;  // bytes in all: 35 for each connection

std::string close_frame() {
  std::string frame(ws::client_header_size(2) + 2, '\0');
  const auto bytes = std::as_writable_bytes(std::span(frame));
  constexpr std::uint32_t key = 0x5a5a1234;
  std::byte* payload = ws::write_client_header(bytes.data(), ws::Opcode::close, true, 2, key);
  store_be<std::uint16_t>(payload, 1000);
  ws::unmask({payload, 2}, key);
  return frame;
}

/// Every other batch says goodbye; the rest just go.
void churn(std::uint16_t port, const std::string& path, std::size_t connections) {
  const std::string message = client_frame(64);
  for (std::size_t done = 0; done < connections; done += kAtOnce) {
    Clients clients(port, kAtOnce, path);
    if (path == "/echo") clients.exchange(message, message.size() - 4, 1, Duration::zero());
    if (done / kAtOnce % 2 == 0) clients.exchange(close_frame(), 4, 1, Duration::zero());
  }
}

std::size_t descriptors(const ServerProcess& server) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(server.pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Their number when the connections of the last batch are gone: when it no longer changes.
std::size_t settled_descriptors(const ServerProcess& server) {
  std::size_t last = 0;
  for (int quiet = 0; quiet < 30;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::size_t now = descriptors(server);
    quiet = now == last ? quiet + 1 : 0;
    last = now;
  }
  return last;
}

}  // namespace

TEST_CASE("peald: tens of thousands of connections, one after another, leave nothing behind") {
  for (const char* io : {"io_uring", "epoll"}) {
    CAPTURE(io);
    const ServerProcess server =
        ServerProcess::peald({std::string("server.io=") + io, "limits.ping_interval=0s"});
    {
      // Brings pools and lent buffers to the size that they stay at.
      Clients crowd(server.port(), 1'000, "/echo");
      crowd.exchange(client_frame(64), 66, 1, std::chrono::milliseconds(300));
    }
    churn(server.port(), "/echo", 8 * kAtOnce);
    churn(server.port(), "/chat/lobby", 8 * kAtOnce);
    const std::size_t idle_descriptors = settled_descriptors(server);
    const std::uint64_t memory = server.memory();
    churn(server.port(), "/echo", kConnections / 2);
    churn(server.port(), "/chat/lobby", kConnections / 2);
    CHECK(settled_descriptors(server) == idle_descriptors);
#ifdef NDEBUG
    CHECK(server.memory() <= memory + kMemorySlack);
#else
    (void)memory;
#endif
  }
}
