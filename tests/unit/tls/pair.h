// SPDX-License-Identifier: Apache-2.0
// A client and a server engine with a wire between them that a test can cut anywhere.
#pragma once

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/tls/engine.h"
#include "tests/support/certificates.h"

namespace peal::tls::test {

using State = Engine::State;
using KeyType = peal::test::CertificateSpec::KeyType;
using peal::test::CertificateSpec;
using peal::test::CertificateText;
using peal::test::make_certificate;
using peal::test::TemporaryFolder;

inline constexpr Version kVersions[] = {Version::tls12, Version::tls13};

/// All output of an engine or a wire.
template <class Source>
std::string take_all(Source& source, BlockPool& pool) {
  std::string all;
  while (source.has_output()) {
    const Wire::Output output = source.take_output();
    all += as_text({output.block->data(), output.size});
    pool.give(output.block);
  }
  return all;
}

/// Reads `ciphertext` with room for `room` octets at a time; returns the plaintext.
template <class Reader>
std::string feed(Reader& reader, std::string_view ciphertext, std::size_t room = 4096) {
  Bytes input = as_bytes(ciphertext);
  std::string plaintext;
  std::string place(room, '\0');
  std::size_t size = 0;
  do {
    size = reader.read(input, std::as_writable_bytes(std::span(place)));
    plaintext.append(place, 0, size);
  } while (size == room);
  return plaintext;
}

/// Calls `piece` with one piece of `text` after the other.
using Cut =
    std::function<void(std::string_view text, const std::function<void(std::string_view)>& piece)>;

inline void whole(std::string_view text, const std::function<void(std::string_view)>& piece) {
  piece(text);
}

inline Cut pieces_of(std::size_t size) {
  return [size](std::string_view text, const std::function<void(std::string_view)>& piece) {
    for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
      piece(text.substr(0, size));
  };
}

struct Pair {
  Pair(const Context& server_context, const Context& client_context,
       const Engine::ClientStart& start = {}, Cut how = whole)
      : server(server_context, pool), client(client_context, pool, start), cut(std::move(how)) {}

  /// Carries both ways until nothing is left to carry.
  void carry() {
    while (server.has_output() || client.has_output()) {
      cut(take_all(client, pool), [&](auto piece) { at_server += feed(server, piece); });
      cut(take_all(server, pool), [&](auto piece) { at_client += feed(client, piece); });
    }
  }

  bool both_open() const { return server.state() == State::open && client.state() == State::open; }

  BlockPool pool{1 << 20};
  Engine server;
  Engine client;
  Cut cut;
  std::string at_server;  ///< plaintext that arrived
  std::string at_client;
};

inline std::unique_ptr<Context> server_context(const ServerOptions& options, TicketKeys& keys) {
  auto context = Context::make_server(options, keys);
  REQUIRE(context);
  return std::move(*context);
}

inline std::unique_ptr<Context> client_context(const ClientOptions& options) {
  auto context = Context::make_client(options);
  REQUIRE(context);
  return std::move(*context);
}

inline std::unique_ptr<Context> trusting_client() {
  return client_context({.ca = "", .insecure = true, .identity = {}});
}

inline void limit_to(const Context& context, Version version) {
  const int number = version == Version::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context.native(), number);
  SSL_CTX_set_max_proto_version(context.native(), number);
}

/// For localhost, made once: RSA keys take their time.
inline const CertificateText& certificate_of(KeyType type) {
  static const CertificateText ecdsa = make_certificate({.names = {"localhost"}});
  static const CertificateText rsa =
      make_certificate({.names = {"localhost"}, .key_type = KeyType::rsa});
  return type == KeyType::rsa ? rsa : ecdsa;
}

/// A server with one certificate for localhost and a client that trusts anybody.
struct Simple {
  explicit Simple(KeyType type = KeyType::ecdsa, Version min_version = Version::tls12)
      : server(server_context({.certificates = {folder.write("site", certificate_of(type))},
                               .client_ca = "",
                               .min_version = min_version},
                              keys)) {}

  TemporaryFolder folder;
  TicketKeys keys;
  std::unique_ptr<Context> server;
  std::unique_ptr<Context> client = trusting_client();
};

}  // namespace peal::tls::test
