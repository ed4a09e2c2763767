// SPDX-License-Identifier: Apache-2.0
// Publishing over HTTP to a topic that nobody hears: requests a second and server CPU of each, for
// clients that keep their connections; beside it, the same of a GET that is answered from nothing.
// One reactor.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr Duration kRound = std::chrono::milliseconds(500);
constexpr int kRounds = 5;

struct Scenario {
  const char* name;
  std::size_t connections;
  std::size_t depth;
};

constexpr Scenario kScenarios[] = {
    {"1 connection", 1, 1},
    {"32 connections", 32, 1},
    {"1 connection, 32 pipelined", 1, 32},
};

std::string publish_request(std::size_t size) {
  return "POST /publish/bench/topic HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
         "Content-Type: text/plain\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

struct Question {
  const char* name;
  std::string request;  ///< its answer has one "}"
};

void run(const char* io, const Scenario& scenario, const Question& question, int rounds) {
  const ServerProcess server = ServerProcess::peald({std::string("server.io=") + io});
  Clients clients(server.port(), scenario.connections, "");
  const std::string& request = question.request;
  clients.exchange_marked(request, '}', scenario.depth, kRound / 4);  // warms up
  std::vector<double> cpu;
  std::vector<double> rate;
  for (int round = 0; round < rounds; ++round) {
    const Duration cpu_before = server.cpu_time();
    const Instant before = Clock::now();
    const auto answers =
        static_cast<double>(clients.exchange_marked(request, '}', scenario.depth, kRound));
    rate.push_back(answers / (to_us(Clock::now() - before) / 1e6));
    cpu.push_back(to_us(server.cpu_time() - cpu_before) / answers);
  }
  std::printf("  %-10s %-28s %-8s %12.0f %16.3f\n", io, scenario.name, question.name, median(rate),
              median(cpu));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  std::printf("64-byte messages; server on CPU %d, client on CPU %d; medians of %d rounds\n",
              kServerCpu, kClientCpu, rounds);
  std::printf("  %-10s %-28s %-8s %12s %16s\n", "", "", "", "requests/s", "CPU us/request");
  const Question questions[] = {
      {"publish", publish_request(64)},
      {"health", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n"}};
  for (const char* io : {"io_uring", "epoll"})
    for (const Scenario& scenario : kScenarios)
      for (const Question& question : questions) run(io, scenario, question, rounds);
  return 0;
}
