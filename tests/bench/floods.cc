// SPDX-License-Identifier: Apache-2.0
// What an honest client notices of others that send what is little to send and much to work off:
// the round trip of one echo, paced, beside each kind of flood.
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/check.h"
#include "tests/bench/neighbour.h"
#include "tests/bench/support.h"
#include "tests/support/certificates.h"
#include "tests/support/tls_peer.h"

namespace {

using namespace peal;
using namespace peal::bench;
using namespace std::chrono_literals;

constexpr int kRounds = 1;
constexpr Duration kRound = 3s;
constexpr std::size_t kPiece = 1 << 20;  // bytes of a flood that are made once

/// One that sends the same again and again, and what it sends first.
struct Flood {
  const char* name;
  std::size_t clients;
  std::string first;
  std::string more;
  std::string extensions = {};
};

/// Takes what the server says, and throws it away.
void drain(int fd) {
  std::array<char, 1 << 16> sink;
  while (::recv(fd, sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
  }
}

/// Sends to each as much as it takes, in turns.
void send_for_ever(const std::vector<int>& sockets, const std::string& bytes) {
  std::vector<std::size_t> sent(sockets.size());
  while (true) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      drain(sockets[i]);
      const auto rest = std::string_view(bytes).substr(sent[i]);
      const ssize_t size =
          ::send(sockets[i], rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size > 0) sent[i] = (sent[i] + static_cast<std::size_t>(size)) % bytes.size();
    }
  }
}

void flood(std::uint16_t port, const Flood& kind) {
  const Clients clients(port, kind.clients, "/echo", kind.extensions);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    sockets.push_back(clients.socket(i));
    push(sockets.back(), kind.first);
  }
  send_for_ever(sockets, kind.more);
}

std::string repeated(const std::string& frame) {
  std::string bytes;
  while (bytes.size() < kPiece) bytes += frame;
  return bytes;
}

/// A frame in the middle of a message: one that is not the last.
std::string fragment(ws::Opcode opcode, std::string_view payload) {
  std::string frame = client_frame(opcode, payload);
  frame[0] = static_cast<char>(opcode);
  return frame;
}

/// Text that compresses, with effort.
std::string base64_noise(std::size_t size) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::minstd_rand random(1);
  std::string text;
  while (text.size() < size) text += kDigits[random() % kDigits.size()];
  return text;
}

std::vector<Flood> floods() {
  using ws::Opcode;
  return {
      {"messages", 40, {}, repeated(client_frame(Opcode::text, {}))},
      {"pongs", 40, {}, repeated(client_frame(Opcode::pong, {}))},
      {"fragments of no octets", 40, fragment(Opcode::text, {}),
       repeated(fragment(Opcode::continuation, {}))},
      {"fragments of one octet", 40, fragment(Opcode::text, {}),
       repeated(fragment(Opcode::continuation, "x"))},
      {"900 KB to be compressed",
       4,
       {},
       client_frame(Opcode::text, base64_noise(900'000)),
       "permessage-deflate"},
      {"1 MB, plain", 40, {}, client_frame(Opcode::binary, std::string(1'000'000, 'x'))},
  };
}

Fd connect_to_unix(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  PEAL_CHECK(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

/// A client whose TLS records have an octet each.
class TrickleClient {
 public:
  TrickleClient(const std::string& path, const tls::Context& context)
      : socket_(connect_to_unix(path)), peer_(context) {
    std::array<char, 1 << 14> room;
    while (peer_.state() == test::TlsPeer::State::handshake) {
      push(socket_.get(), peer_.take_output());
      const ssize_t size = ::recv(socket_.get(), room.data(), room.size(), 0);
      PEAL_CHECK(size > 0);
      peer_.take({room.data(), static_cast<std::size_t>(size)});
    }
    peer_.write(
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    push(socket_.get(), peer_.take_output());
  }

  /// As much as is taken; what is to be sent is made anew, as no record is valid twice.
  void send(const std::string& frame) {
    drain(socket_.get());
    if (octets_.empty()) {
      for (const char octet : frame) peer_.write({&octet, 1});
      octets_ = peer_.take_output();
    }
    const ssize_t size =
        ::send(socket_.get(), octets_.data(), octets_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0) octets_.erase(0, static_cast<std::size_t>(size));
  }

 private:
  Fd socket_;
  test::TlsPeer peer_;
  std::string octets_;
};

void flood_records(const std::string& path, std::size_t count) {
  tls::ClientOptions options;
  options.insecure = true;
  const auto context = tls::Context::make_client(options).value();
  std::deque<TrickleClient> clients;
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(path, *context);
  const std::string frame = client_frame(ws::Opcode::binary, std::string(2000, 'x'));
  while (true)
    for (TrickleClient& client : clients) client.send(frame);
}

void print(const std::string& io, const char* kind, std::size_t clients, const RoundTrips& trips) {
  std::printf("  %-9s %-24s %7zu %7.0f %7.0f %9.0f %7.0f\n", io.c_str(), kind, clients,
              trips.whole.median_us, trips.whole.p99_us, trips.server.median_us,
              trips.server.p99_us);
  std::fflush(stdout);
}

void run(const std::string& io) {
  constexpr std::size_t kSecure = 20;
  const test::TemporaryFolder folder;
  folder.write("site", test::make_certificate({}));
  const std::string path = folder.path("secure.sock");
  const ServerProcess server =
      ServerProcess::peald({"server.io=" + io, "listen.secure.address=unix:" + path,
                            "listen.secure.tls.cert=" + folder.path("site.crt"),
                            "listen.secure.tls.key=" + folder.path("site.key")});
  const Clients honest(server.port(), 1, "/echo");
  measure(honest, kRound / 3);  // warms up
  print(io, "quiet", 0, measure(honest, kRound));
  for (const Flood& kind : floods()) {
    const Attacker attacker([&] { flood(server.port(), kind); });
    std::this_thread::sleep_for(500ms);
    print(io, kind.name, kind.clients, measure(honest, kRound));
  }
  const Attacker attacker([&] { flood_records(path, kSecure); });
  std::this_thread::sleep_for(500ms);
  print(io, "TLS records of one octet", kSecure, measure(honest, kRound));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRounds;
  pin_to_cpu(kClientCpu);
  std::printf("Round trip of a paced 64-byte echo, microseconds, beside floods\n\n");
  std::printf("  %-9s %-24s %7s %15s %17s\n", "", "", "", "seen", "arrived");
  std::printf("  %-9s %-24s %7s %7s %7s %9s %7s\n", "", "flood", "clients", "median", "p99",
              "median", "p99");
  for (int round = 0; round < rounds; ++round)
    for (const char* io : {"io_uring", "epoll"}) run(io);
  return 0;
}
