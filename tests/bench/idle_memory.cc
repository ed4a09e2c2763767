// SPDX-License-Identifier: Apache-2.0
// User-space memory of peald for each idle connection, by the growth of its PSS; plain and TLS.
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/check.h"
#include "tests/bench/support.h"
#include "tests/support/certificates.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr std::size_t kConnections = 10'000;
constexpr std::size_t kSecureConnections = 2'000;  // a handshake takes its time

/// WebSockets over TLS.
class SecureClients {
 public:
  SecureClients(std::uint16_t port, std::size_t count, const std::string& path, int version)
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    for (std::size_t i = 0; i < count; ++i) connect(port, path);
  }

 private:
  struct Client {
    Fd socket;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl;
  };

  void connect(std::uint16_t port, const std::string& path) {
    Client& client =
        clients_.emplace_back(Client{connect_to(port), {SSL_new(context_.get()), SSL_free}});
    SSL_set_fd(client.ssl.get(), client.socket.get());
    PEAL_CHECK(SSL_connect(client.ssl.get()) == 1);
    const std::string request = "GET " + path +
                                " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    PEAL_CHECK(SSL_write(client.ssl.get(), request.data(), static_cast<int>(request.size())) > 0);
    std::array<char, 1024> answer;
    const int size = SSL_read(client.ssl.get(), answer.data(), answer.size());
    PEAL_CHECK(size > 0 && std::string_view(answer.data()).starts_with("HTTP/1.1 101 "));
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::vector<Client> clients_;
};

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

void measure_secure(const test::TemporaryFolder& folder, int version, const char* name) {
  const ServerProcess server =
      ServerProcess::peald({"server.io=io_uring", "limits.ping_interval=0s",
                            "listen.public.tls.cert=" + folder.path("site.crt"),
                            "listen.public.tls.key=" + folder.path("site.key")});
  const std::string path = "/chat/lobby";
  { const SecureClients warm(server.port(), 100, path, version); }
  settle();
  const std::uint64_t before = server.memory();
  const SecureClients clients(server.port(), kSecureConnections, path, version);
  settle();
  const double grown = static_cast<double>(server.memory() - before);
  std::printf("  %-10s %-12s %10.0f\n", name, path.c_str(), grown / kSecureConnections);
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::printf("%zu idle connections\n  %-10s %-12s %10s\n", kConnections, "", "route",
              "bytes each");
  for (const char* io : {"io_uring", "epoll"})
    for (const char* path : {"/echo", "/chat/lobby"}) measure(io, path);
  std::printf("\n%zu idle connections over TLS, io_uring\n", kSecureConnections);
  const test::TemporaryFolder folder;
  folder.write("site", test::make_certificate({}));
  measure_secure(folder, TLS1_2_VERSION, "TLS 1.2");
  measure_secure(folder, TLS1_3_VERSION, "TLS 1.3");
  return 0;
}
