// SPDX-License-Identifier: Apache-2.0
// Server CPU of a broadcast of 1 KiB of JSON to 1,000 subscribers: those that agreed on compression
// beside those that did not, in rooms of one server, round by round.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/ws/frame_header.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr int kRounds = 7;
constexpr std::size_t kSubscribers = 1000;
constexpr std::size_t kMessages = 100;  // in a round
constexpr std::size_t kSize = 1 << 10;

std::string json() {
  std::string text = "[";
  for (unsigned i = 1; text.size() < kSize - 1; i = i * 1664525 + 1013904223)
    text += R"({"id":)" + std::to_string(i >> 12) + R"(,"symbol":"AC)" + std::to_string(i % 50) +
            R"(","price":)" + std::to_string(i >> 22) + "." + std::to_string(i % 100) + "},";
  text.resize(kSize - 1, ' ');
  return text + "]";
}

struct Room {
  const char* name;
  Clients clients;
  std::size_t size;           // bytes of a delivery
  std::vector<double> cpu{};  // microseconds a delivery, by round
};

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  const ServerProcess server = ServerProcess::peald({"limits.ping_interval=0s"});
  const std::string text = json();
  const std::string message = client_frame(ws::Opcode::text, text);
  std::vector<Room> rooms;
  rooms.push_back({"uncompressed", Clients(server.port(), kSubscribers, "/chat/plain"),
                   ws::server_header_size(kSize) + kSize});
  rooms.push_back({"compressed",
                   Clients(server.port(), kSubscribers, "/chat/deflate", "permessage-deflate"),
                   compressed_server_frame(text).size()});
  for (int round = -1; round < rounds; ++round)  // the first one warms up
    for (Room& room : rooms) {
      const Duration before = server.cpu_time();
      room.clients.broadcast(message, room.size, kMessages);
      const Duration cpu = server.cpu_time() - before;
      if (round >= 0) room.cpu.push_back(to_us(cpu) / (kMessages * kSubscribers));
    }
  std::printf("Broadcast of %zu bytes to %zu subscribers; medians of %d rounds\n", kSize,
              kSubscribers, rounds);
  std::printf("  %-14s %10s %16s %16s\n", "", "bytes", "CPU us/delivery", "of uncompressed");
  for (const Room& room : rooms) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < room.cpu.size(); ++i)
      ratios.push_back(room.cpu[i] / rooms[0].cpu[i]);
    std::printf("  %-14s %10zu %16.3f %16.3f\n", room.name, room.size, median(room.cpu),
                median(ratios));
  }
  return 0;
}
