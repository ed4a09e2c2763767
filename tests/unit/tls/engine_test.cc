// SPDX-License-Identifier: Apache-2.0
#include "core/tls/engine.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <random>

#include "tests/unit/tls/pair.h"

namespace peal::tls::test {
namespace {

using KeyType = CertificateSpec::KeyType;

constexpr Version kVersions[] = {Version::tls12, Version::tls13};

void limit_to(const Context& context, Version version) {
  const int number = version == Version::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context.native(), number);
  SSL_CTX_set_max_proto_version(context.native(), number);
}

TEST_CASE("Engine: both sides open, and what one writes the other reads") {
  for (const Version version : kVersions) {
    for (const KeyType type : {KeyType::ecdsa, KeyType::rsa}) {
      CAPTURE(static_cast<int>(version));
      const Simple simple(type);
      limit_to(*simple.client, version);
      Pair pair(*simple.server, *simple.client, {.host = "localhost"});
      CHECK(pair.server.state() == State::handshake);
      pair.carry();
      REQUIRE(pair.both_open());
      CHECK(pair.server.agreement().version == version);
      CHECK(pair.client.agreement().version == version);
      CHECK(pair.server.agreement().server_name == "localhost");
      CHECK(!pair.server.agreement().resumed);
      CHECK(!pair.server.agreement().has_peer_certificate);
      CHECK(pair.client.agreement().has_peer_certificate);
      CHECK(std::string_view(pair.server.failure()).empty());

      pair.client.write(as_bytes("ping"));
      pair.server.write(as_bytes("pong"));
      pair.carry();
      CHECK(pair.at_server == "ping");
      CHECK(pair.at_client == "pong");
    }
  }
}

}  // namespace
}  // namespace peal::tls::test
