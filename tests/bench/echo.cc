// SPDX-License-Identifier: Apache-2.0
// Server CPU of an echoed message: peal on both back ends beside a bare TCP echo on io_uring. All
// servers live through the whole run, and rounds go from one to the next, so that each figure has a
// neighbour taken under the same conditions.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/support.h"
#include "tests/bench/tcp_floor.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr int kRounds = 7;
constexpr Duration kRound = std::chrono::milliseconds(1500);

struct Scenario {
  std::size_t size;
  std::size_t connections;
  std::size_t depth;
};

constexpr Scenario kScenarios[] = {
    {.size = 64, .connections = 64, .depth = 1},
    {.size = 64, .connections = 1000, .depth = 1},
    {.size = 64, .connections = 64, .depth = 32},
    {.size = 16 << 10, .connections = 64, .depth = 1},
};

struct Contestant {
  std::string name;
  ServerProcess server;
  bool websocket;
  std::vector<double> cpu{};   // microseconds a message, by round
  std::vector<double> rate{};  // messages a second
};

void play(Contestant& contestant, Clients& clients, const Scenario& scenario) {
  const std::string frame = client_frame(scenario.size);
  const std::size_t answer =
      contestant.websocket ? frame.size() - 4 : frame.size();  // a server's frame has no key
  const Duration cpu_before = contestant.server.cpu_time();
  const Instant before = Clock::now();
  const auto answers = clients.exchange(frame, answer, scenario.depth, kRound);
  const Duration took = Clock::now() - before;
  const Duration cpu = contestant.server.cpu_time() - cpu_before;
  contestant.cpu.push_back(to_us(cpu) / static_cast<double>(answers));
  contestant.rate.push_back(static_cast<double>(answers) / (to_us(took) / 1e6));
}

void run(const Scenario& scenario, int rounds) {
  std::vector<Contestant> contestants;
  contestants.push_back({"bare TCP, io_uring", ServerProcess::function(serve_tcp_floor), false});
  contestants.push_back({"peal, io_uring", ServerProcess::peald({"server.io=io_uring"}), true});
  contestants.push_back({"peal, epoll", ServerProcess::peald({"server.io=epoll"}), true});
  std::vector<Clients> clients;
  for (Contestant& each : contestants)
    clients.emplace_back(each.server.port(), scenario.connections, each.websocket ? "/echo" : "");
  for (std::size_t i = 0; i < contestants.size(); ++i) {  // warms up
    play(contestants[i], clients[i], scenario);
    contestants[i].cpu.clear();
    contestants[i].rate.clear();
  }
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < contestants.size(); ++i) play(contestants[i], clients[i], scenario);
  std::printf("\n%zu bytes, %zu connections, depth %zu\n", scenario.size, scenario.connections,
              scenario.depth);
  std::printf("  %-20s %14s %9s %14s\n", "", "CPU us/message", "of floor", "messages/s");
  for (const Contestant& each : contestants) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < each.cpu.size(); ++i)
      ratios.push_back(each.cpu[i] / contestants[0].cpu[i]);
    std::printf("  %-20s %14.3f %9.3f %14.0f\n", each.name.c_str(), median(each.cpu),
                median(ratios), median(each.rate));
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  std::printf("Server CPU (user and system) on CPU %d, client on CPU %d; medians of %d rounds\n",
              kServerCpu, kClientCpu, rounds);
  for (const Scenario& scenario : kScenarios) run(scenario, rounds);
  return 0;
}
