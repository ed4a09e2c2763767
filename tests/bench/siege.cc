// SPDX-License-Identifier: Apache-2.0
// What an honest client notices of an attack: the round trip of one echo, paced, first on a quiet
// server, then while everything at once goes on that hostile clients do. The attackers share the
// client's CPU, at the lowest priority, and may still keep it in the kernel; so the time until the
// answer has arrived in the client's kernel is told as well, which is the server's part.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/base/check.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"
#include "tests/bench/neighbour.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;
using namespace std::chrono_literals;

constexpr int kRounds = 3;
constexpr Duration kRound = 4s;
constexpr std::size_t kHalfOpen = 500;
constexpr std::size_t kNeverReading = 1000;

void trickle_handshakes(std::uint16_t port) {
  while (true) {
    std::vector<Fd> sockets;
    for (std::size_t i = 0; i < kHalfOpen; ++i) sockets.push_back(connect_to(port));
    for (const char octet : std::string_view("GET /echo HTTP/1.1\r\n")) {
      for (const Fd& socket : sockets) push(socket.get(), {&octet, 1});
      std::this_thread::sleep_for(400ms);
    }
  }
}

void never_read(std::uint16_t port) {
  const Clients subscribers(port, kNeverReading, "/chat/siege");
  pause();
}

void publish(std::uint16_t port) {
  const Clients publisher(port, 1, "/chat/siege");
  const std::string frame = client_frame(1024);
  while (push(publisher.socket(0), frame)) std::this_thread::sleep_for(5ms);
}

/// A masked frame with RSV1 whose payload inflates to 1 GiB of zeros.
std::string bomb() {
  z_stream stream{};
  PEAL_CHECK(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  const std::vector<Bytef> zeros(1 << 20);
  std::vector<Bytef> packed(2 << 20);
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  for (int mib = 0; mib < 1024; ++mib) {
    stream.next_in = const_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(zeros.size());
    deflate(&stream, mib == 1023 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
  }
  const std::size_t size = packed.size() - stream.avail_out - 4;  // RFC 7692 section 7.2.1
  deflateEnd(&stream);
  std::string frame(ws::client_header_size(size) + size, '\0');
  constexpr std::uint32_t key = 0x1234abcd;
  std::byte* const begin = std::as_writable_bytes(std::span(frame)).data();
  std::byte* payload = ws::write_client_header(begin, ws::Opcode::binary, true, size, key);
  *begin |= std::byte{0x40};
  std::memcpy(payload, packed.data(), size);
  ws::unmask({payload, size}, key);
  return frame;
}

void drop_bombs(std::uint16_t port, const std::string& frame) {
  while (true) {
    const Clients client(port, 1, "/echo", "permessage-deflate");
    push(client.socket(0), frame);
    std::array<char, 4096> answer;
    while (::recv(client.socket(0), answer.data(), answer.size(), 0) > 0) {
    }
  }
}

/// Pings as fast as they are taken; reads nothing.
void flood_pings(std::uint16_t port) {
  std::string ping(ws::client_header_size(100) + 100, 'p');
  ws::write_client_header(std::as_writable_bytes(std::span(ping)).data(), ws::Opcode::ping, true,
                          100, 0);
  std::string burst;
  for (int i = 0; i < 100; ++i) burst += ping;
  std::array<char, 1 << 16> sink;
  while (true) {
    const Clients client(port, 1, "/echo");
    while (push(client.socket(0), burst))
      while (::recv(client.socket(0), sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
      }
  }
}

void storm(std::uint16_t port) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  while (true) {
    const Fd socket = connect_to(port);
    push(socket.get(), "GET /echo HTTP/1.1\r\n");
    setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
}

void print(const Times& quiet, const Times& besieged) {
  std::printf(" %7.0f %7.0f %7.0f %7.0f %6.2f", quiet.median_us, quiet.p99_us, besieged.median_us,
              besieged.p99_us, besieged.p99_us / quiet.p99_us);
}

void run(const std::string& io, const std::string& bomb_frame, int rounds) {
  const ServerProcess server = ServerProcess::peald({"server.io=" + io});
  const std::uint16_t port = server.port();
  const Clients honest(port, 1, "/echo");
  measure(honest, kRound);  // warms up
  for (int round = 0; round < rounds; ++round) {
    const RoundTrips quiet = measure(honest, kRound);
    const std::uint64_t before = server.memory();
    const Attacker half_open([&] { trickle_handshakes(port); });
    const Attacker subscribers([&] { never_read(port); });
    std::this_thread::sleep_for(1s);
    const Attacker publisher([&] { publish(port); });
    const Attacker bombs([&] { drop_bombs(port, bomb_frame); });
    const Attacker pings([&] { flood_pings(port); });
    const Attacker resets([&] { storm(port); });
    std::this_thread::sleep_for(1s);
    const RoundTrips besieged = measure(honest, kRound);
    std::printf("  %-9s", io.c_str());
    print(quiet.whole, besieged.whole);
    print(quiet.server, besieged.server);
    std::printf(" %7.0f %9.0f\n", static_cast<double>(before) / 1e6,
                static_cast<double>(server.memory()) / 1e6);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  const std::string frame = bomb();
  std::printf(
      "Round trip of a paced 64-byte echo, microseconds; memory in MB (PSS). Attack: %zu\n"
      "half-open handshakes, %zu subscribers that never read, deflate bombs (%zu KiB for\n"
      "1 GiB), a ping flood, a reset storm\n\n",
      kHalfOpen, kNeverReading, frame.size() >> 10);
  std::printf("  %-9s %39s %39s %17s\n", "", "as the client sees it", "until it has arrived", "");
  std::printf("  %-9s %15s %15s %6s %15s %15s %6s %17s\n", "", "quiet", "attacked", "", "quiet",
              "attacked", "", "memory");
  std::printf("  %-9s %7s %7s %7s %7s %6s %7s %7s %7s %7s %6s %7s %9s\n", "", "median", "p99",
              "median", "p99", "p99 x", "median", "p99", "median", "p99", "p99 x", "quiet",
              "attacked");
  for (const char* io : {"io_uring", "epoll"}) run(io, frame, rounds);
  return 0;
}
