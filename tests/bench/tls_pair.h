// SPDX-License-Identifier: Apache-2.0
// Two engines that talk to each other in memory.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/tls/engine.h"
#include "tests/support/certificates.h"

namespace peal::bench {

/// What both ends share.
struct TlsContexts {
  explicit TlsContexts(test::CertificateSpec::KeyType type)
      : files(folder.write("site", test::make_certificate({.names = {}, .key_type = type}))) {}

  test::TemporaryFolder folder;
  tls::CertificateFiles files;
  tls::TicketKeys keys;
  std::unique_ptr<tls::Context> server =
      tls::Context::make_server({.certificates = {files}, .client_ca = ""}, keys).value();
  std::unique_ptr<tls::Context> client =
      tls::Context::make_client({.ca = "", .insecure = true, .identity = {}}).value();
};

/// Lets clients offer this version only.
inline void limit_client(const TlsContexts& contexts, tls::Version version) {
  const int number = version == tls::Version::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(contexts.client->native(), number);
  SSL_CTX_set_max_proto_version(contexts.client->native(), number);
}

/// All output of an engine or a wire.
template <class Source>
std::string take_output(Source& source, BlockPool& pool) {
  std::string all;
  while (source.has_output()) {
    const tls::Wire::Output output = source.take_output();
    all += as_text({output.block->data(), output.size});
    pool.give(output.block);
  }
  return all;
}

/// Reads `ciphertext`; returns how much plaintext there was.
inline std::size_t read_all(tls::Engine& engine, std::string_view ciphertext) {
  static std::byte place[20'000];
  Bytes input = as_bytes(ciphertext);
  std::size_t size = engine.read(input, place);
  PEAL_CHECK(input.empty());
  return size;
}

inline void shake_hands(tls::Engine& server, tls::Engine& client, BlockPool& pool) {
  while (server.has_output() || client.has_output()) {
    read_all(server, take_output(client, pool));
    read_all(client, take_output(server, pool));
  }
  PEAL_CHECK(server.state() == tls::Engine::State::open);
}

}  // namespace peal::bench
