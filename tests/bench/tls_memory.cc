// SPDX-License-Identifier: Apache-2.0
// Memory of a TLS connection: what malloc(3) has given out, for each of 1,000 engines.
#include <malloc.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/tls_pair.h"

namespace {

using namespace peal;
using namespace peal::bench;
using KeyType = test::CertificateSpec::KeyType;

constexpr std::size_t kConnections = 1000;

/// A server's connection that stays with OpenSSL.
struct OpenSslServer {
  OpenSslServer(const tls::Context& context, BlockPool& pool)
      : wire(pool), ssl(SSL_new(context.native())) {
    BIO* bio = wire.make_bio();
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_accept_state(ssl.get());
  }

  void shake_hands(tls::Engine& client, BlockPool& pool) {
    char nothing[1];
    while (client.has_output()) {
      const std::string flight = take_output(client, pool);
      Bytes input = as_bytes(flight);
      wire.set_input(&input);
      SSL_read(ssl.get(), nothing, sizeof nothing);
      wire.set_input(nullptr);
      read_all(client, take_output(wire, pool));
    }
    PEAL_CHECK(SSL_is_init_finished(ssl.get()));
  }

  tls::Wire wire;
  tls::SslPtr ssl;
};

/// Bytes for each of the connections that `open` returns one end of.
template <class Open>
std::size_t measure(Open open) {
  std::vector<decltype(open())> engines;
  engines.reserve(kConnections + 10);
  for (int i = 0; i < 10; ++i) engines.push_back(open());  // what the first ones make once
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kConnections; ++i) engines.push_back(open());
  return (mallinfo2().uordblks - before) / kConnections;
}

void measure(tls::Version version, KeyType type) {
  const TlsContexts contexts(type);
  limit_client(contexts, version);
  BlockPool pool(0);
  const auto server = [&] { return std::make_unique<tls::Engine>(*contexts.server, pool); };
  const auto client = [&] {
    return std::make_unique<tls::Engine>(*contexts.client, pool, tls::Engine::ClientStart{});
  };
  const std::size_t open = measure([&] {
    auto ours = server();
    shake_hands(*ours, *client(), pool);
    return ours;
  });
  const std::size_t by_openssl = measure([&] {
    auto theirs = std::make_unique<OpenSslServer>(*contexts.server, pool);
    theirs->shake_hands(*client(), pool);
    return theirs;
  });
  const std::size_t silent = measure(server);
  const std::size_t trickling = measure([&] {
    auto ours = server();
    read_all(*ours, take_output(*client(), pool).substr(0, 100));
    return ours;
  });
  const std::size_t halfway = measure([&] {
    auto ours = server();
    read_all(*ours, take_output(*client(), pool));
    take_output(*ours, pool);
    return ours;
  });
  std::printf("  %-4s %-6s %8zu %10zu %10zu %10zu %10zu\n",
              version == tls::Version::tls12 ? "1.2" : "1.3",
              type == KeyType::rsa ? "RSA" : "ECDSA", open, by_openssl, silent, trickling, halfway);
}

}  // namespace

int main() {
  std::printf(
      "bytes of malloc(3) for each of %zu connections\n"
      "  %-4s %-6s %8s %10s | in the handshake: %s\n  %-11s %8s %10s %10s %10s %10s\n",
      kConnections, "TLS", "key", "open", "open, by", "", "", "", "OpenSSL", "silent", "trickling",
      "halfway");
  for (const tls::Version version : {tls::Version::tls12, tls::Version::tls13})
    for (const KeyType type : {KeyType::ecdsa, KeyType::rsa}) measure(version, type);
  return 0;
}
