// SPDX-License-Identifier: Apache-2.0
// User-space memory of peald for each idle connection, by the growth of its PSS.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "tests/bench/support.h"

namespace {

using namespace peal::bench;

constexpr std::size_t kConnections = 10'000;

void settle() {
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

void measure(const std::string& io, const std::string& path) {
  const ServerProcess server = ServerProcess::peald({"server.io=" + io, "limits.ping_interval=0s"});
  {
    // What the first connections make once: code pages, pools, tables.
    const Clients warm(server.port(), 100, path);
  }
  settle();
  const std::uint64_t before = server.memory();
  const Clients clients(server.port(), kConnections, path);
  settle();
  const double grown = static_cast<double>(server.memory() - before);
  std::printf("  %-10s %-12s %10.0f\n", io.c_str(), path.c_str(), grown / kConnections);
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::printf("%zu idle connections\n  %-10s %-12s %10s\n", kConnections, "", "route",
              "bytes each");
  for (const char* io : {"io_uring", "epoll"})
    for (const char* path : {"/echo", "/chat/lobby"}) measure(io, path);
  return 0;
}
