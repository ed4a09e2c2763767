// SPDX-License-Identifier: Apache-2.0
// A client and a server engine with a wire between them that a test can cut anywhere.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/tls/engine.h"
#include "tests/support/certificates.h"

namespace peal::tls::test {

using State = Engine::State;
using peal::test::CertificateSpec;
using peal::test::CertificateText;
using peal::test::make_certificate;
using peal::test::TemporaryFolder;

/// All output of `engine` as text.
inline std::string take_all(Engine& engine, BlockPool& pool) {
  std::string all;
  while (engine.has_output()) {
    const Engine::Output output = engine.take_output();
    all += as_text({output.block->data(), output.size});
    pool.give(output.block);
  }
  return all;
}

/// Feeds `ciphertext` in one piece, with room for `room` octets at a time; returns the plaintext.
inline std::string feed(Engine& engine, std::string_view ciphertext, std::size_t room = 4096) {
  Bytes input = as_bytes(ciphertext);
  std::string plaintext;
  std::string place(room, '\0');
  std::size_t size = 0;
  do {
    size = engine.read(input, std::as_writable_bytes(std::span(place)));
    plaintext.append(place, 0, size);
  } while (size == room);
  CHECK((input.empty() || engine.state() == State::ended || engine.state() == State::failed));
  return plaintext;
}

/// How a stretch of ciphertext reaches the other side: calls its second argument with the pieces.
using Cut = std::function<void(std::string_view, const std::function<void(std::string_view)>&)>;

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

inline std::unique_ptr<Context> client_context(const ClientOptions& options = {
                                                   .ca = "", .insecure = true, .identity = {}}) {
  auto context = Context::make_client(options);
  REQUIRE(context);
  return std::move(*context);
}

/// A certificate of each kind, made once: RSA keys take their time.
inline const CertificateText& certificate_of(CertificateSpec::KeyType type) {
  static const CertificateText ecdsa = make_certificate({.names = {"localhost"}});
  static const CertificateText rsa =
      make_certificate({.names = {"localhost"}, .key_type = CertificateSpec::KeyType::rsa});
  return type == CertificateSpec::KeyType::rsa ? rsa : ecdsa;
}

/// A server with one certificate for localhost and a client that trusts anybody.
struct Simple {
  explicit Simple(CertificateSpec::KeyType type = CertificateSpec::KeyType::ecdsa,
                  Version min_version = Version::tls12)
      : server(server_context({.certificates = {folder.write("site", certificate_of(type))},
                               .client_ca = "",
                               .min_version = min_version},
                              keys)) {}

  TemporaryFolder folder;
  TicketKeys keys;
  std::unique_ptr<Context> server;
  std::unique_ptr<Context> client = client_context();
};

}  // namespace peal::tls::test
