// SPDX-License-Identifier: Apache-2.0
// Server CPU of a delivery: one client publishes, everybody hears it, then it publishes again.
// Beside it, in the same run, the least that a server can do on io_uring.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/ws/frame_header.h"
#include "tests/bench/support.h"
#include "tests/bench/tcp_floor.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr int kRounds = 7;
constexpr std::size_t kSize = 64;             // bytes of a message
constexpr std::size_t kDeliveries = 200'000;  // in a round
constexpr std::size_t kFrame = kSize + 2;     // as a subscriber gets it

struct Contestant {
  std::string name;
  ServerProcess server;
  Clients clients;
  std::string message;
  std::vector<double> cpu{};  // microseconds a delivery, by round
};

Contestant peald(const char* io, std::size_t subscribers) {
  ServerProcess server =
      ServerProcess::peald({std::string("server.io=") + io, "limits.ping_interval=0s"});
  Clients clients(server.port(), subscribers, "/chat/fanout");
  return {std::string("peal, ") + io, std::move(server), std::move(clients),
          client_frame(ws::Opcode::text, std::string(kSize, 'x'))};
}

Contestant floor_of(std::size_t subscribers) {
  ServerProcess server =
      ServerProcess::function([](int listener) { serve_tcp_fanout_floor(listener, kFrame); });
  Clients clients(server.port(), subscribers, "");
  return {"bare TCP, io_uring", std::move(server), std::move(clients), "now"};
}

double play(Contestant& contestant) {
  const std::size_t times = kDeliveries / contestant.clients.size();
  const Duration before = contestant.server.cpu_time();
  contestant.clients.broadcast(contestant.message, kFrame, times);
  const Duration cpu = contestant.server.cpu_time() - before;
  return to_us(cpu) / static_cast<double>(times * contestant.clients.size());
}

void run(std::size_t subscribers, int rounds) {
  std::vector<Contestant> contestants;
  contestants.push_back(floor_of(subscribers));
  contestants.push_back(peald("io_uring", subscribers));
  contestants.push_back(peald("epoll", subscribers));
  for (Contestant& each : contestants) play(each);  // warms up
  for (int round = 0; round < rounds; ++round)
    for (Contestant& each : contestants) each.cpu.push_back(play(each));
  std::printf("\n%zu subscribers\n  %-20s %15s %9s\n", subscribers, "", "CPU us/delivery",
              "of floor");
  for (const Contestant& each : contestants) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < each.cpu.size(); ++i)
      ratios.push_back(each.cpu[i] / contestants[0].cpu[i]);
    std::printf("  %-20s %15.3f %9.3f\n", each.name.c_str(), median(each.cpu), median(ratios));
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  std::printf(
      "Broadcast of %zu bytes; server CPU (user and system) on CPU %d, client on CPU %d;\n"
      "medians of %d rounds\n",
      kSize, kServerCpu, kClientCpu, rounds);
  for (const std::size_t subscribers : {1'000, 6'000}) run(subscribers, rounds);
  return 0;
}
