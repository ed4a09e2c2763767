// SPDX-License-Identifier: Apache-2.0
#include "core/tls/engine.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <random>
#include <string>

#include "tests/unit/tls/pair.h"

namespace peal::tls::test {
namespace {

std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// Handshake records, cut into such of `size` octets; others as they are.
std::string in_records_of(std::size_t size, std::string_view records) {
  constexpr char kHandshake = 22;
  std::string all;
  while (!records.empty()) {
    const std::size_t length = record_length(as_bytes(records));
    std::string_view content = records.substr(kRecordHeaderSize, length);
    for (; !content.empty(); content.remove_prefix(std::min(size, content.size()))) {
      const std::size_t piece = records[0] == kHandshake ? std::min(size, content.size()) : length;
      all += records.substr(0, 3);
      all += {static_cast<char>(piece >> 8), static_cast<char>(piece)};
      all += content.substr(0, piece);
      if (records[0] != kHandshake) break;
    }
    records.remove_prefix(kRecordHeaderSize + length);
  }
  return all;
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
      const Engine::Agreement& agreement = pair.server.agreement();
      CHECK(agreement.version == version);
      CHECK(agreement.server_name == "localhost");
      CHECK(!agreement.resumed);
      CHECK(!agreement.has_peer_certificate);
      CHECK(pair.client.agreement().version == version);
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

TEST_CASE("Engine: every cipher that is offered carries data both ways") {
  struct Suite {
    Version version;
    const char* name;
  };
  for (const Suite suite : {Suite{Version::tls12, "ECDHE-ECDSA-AES128-GCM-SHA256"},
                            Suite{Version::tls12, "ECDHE-ECDSA-AES256-GCM-SHA384"},
                            Suite{Version::tls12, "ECDHE-ECDSA-CHACHA20-POLY1305"},
                            Suite{Version::tls13, "TLS_AES_128_GCM_SHA256"},
                            Suite{Version::tls13, "TLS_AES_256_GCM_SHA384"},
                            Suite{Version::tls13, "TLS_CHACHA20_POLY1305_SHA256"}}) {
    CAPTURE(suite.name);
    const Simple simple;
    limit_to(*simple.client, suite.version);
    if (suite.version == Version::tls12)
      SSL_CTX_set_cipher_list(simple.client->native(), suite.name);
    else
      SSL_CTX_set_ciphersuites(simple.client->native(), suite.name);
    Pair pair(*simple.server, *simple.client);
    pair.carry();
    REQUIRE(pair.both_open());
    CHECK(std::string_view(pair.server.agreement().cipher) == suite.name);
    for (int i = 0; i < 3; ++i) {
      pair.client.write(as_bytes("question"));
      pair.server.write(as_bytes("answer"));
      pair.carry();
    }
    CHECK(pair.at_server == "questionquestionquestion");
    CHECK(pair.at_client == "answeransweranswer");
  }
}

TEST_CASE("Engine: AES-128 before all, ChaCha20 for clients that have no AES") {
  const Simple simple;
  Pair usual(*simple.server, *simple.client);
  usual.carry();
  CHECK(std::string_view(usual.server.agreement().cipher) == "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_ciphersuites(simple.client->native(),
                           "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  Pair weak(*simple.server, *simple.client);
  weak.carry();
  CHECK(std::string_view(weak.server.agreement().cipher) == "TLS_CHACHA20_POLY1305_SHA256");
}

TEST_CASE("Engine: no CBC, no static RSA, no TLS 1.1") {
  const Simple simple(KeyType::rsa);
  for (const char* cipher : {"ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256",
                             "DHE-RSA-AES128-GCM-SHA256"}) {
    CAPTURE(cipher);
    const auto client = trusting_client();
    limit_to(*client, Version::tls12);
    REQUIRE(SSL_CTX_set_cipher_list(client->native(), cipher) == 1);
    Pair pair(*simple.server, *client);
    pair.carry();
    CHECK(pair.server.state() == State::failed);
    CHECK(std::string_view(pair.server.failure()) == "no shared cipher");
    CHECK(pair.client.state() == State::failed);
  }
  const auto old = trusting_client();
  SSL_CTX_set_security_level(old->native(), 0);
  SSL_CTX_set_min_proto_version(old->native(), TLS1_1_VERSION);
  SSL_CTX_set_max_proto_version(old->native(), TLS1_1_VERSION);
  REQUIRE(SSL_CTX_set_cipher_list(old->native(), "ALL") == 1);
  Pair pair(*simple.server, *old);
  pair.carry();
  CHECK(pair.server.state() == State::failed);
  CHECK(std::string_view(pair.server.failure()) == "unsupported protocol");
}

TEST_CASE("Engine: min_version 1.3 refuses a client of TLS 1.2 with an alert") {
  const Simple simple(KeyType::ecdsa, Version::tls13);
  limit_to(*simple.client, Version::tls12);
  Pair pair(*simple.server, *simple.client);
  pair.carry();
  CHECK(pair.server.state() == State::failed);
  CHECK(std::string_view(pair.server.failure()) == "unsupported protocol");
  CHECK(std::string_view(pair.client.failure()) == "tlsv1 alert protocol version");
}

TEST_CASE("Engine: any segmentation gives the same") {
  for (const Version version : kVersions) {
    for (const std::size_t size : {1, 2, 5, 6, 29, 1000}) {
      CAPTURE(size);
      const Simple simple;
      limit_to(*simple.client, version);
      Pair pair(*simple.server, *simple.client, {}, pieces_of(size));
      pair.carry();
      REQUIRE(pair.both_open());
      std::mt19937_64 random(size);
      const std::string up = random_text(random, 20'000);
      const std::string down = random_text(random, 40'000);
      pair.client.write(as_bytes(up));
      pair.server.write(as_bytes(down));
      pair.carry();
      CHECK(pair.at_server == up);
      CHECK(pair.at_client == down);
    }
  }
}

TEST_CASE("Engine: a client that hands over reads past tickets, however they are cut") {
  const Simple simple;
  for (const Version version : kVersions) {
    const auto client = trusting_client();
    limit_to(*client, version);
    for (const std::size_t size : {1, 2, 5, 6, 100, 1 << 20}) {
      CAPTURE(size);
      Pair pair(*simple.server, *client, {.host = "localhost", .hand_over = true}, pieces_of(size));
      pair.carry();
      REQUIRE(pair.both_open());
      CHECK_FALSE(pair.client.native());
      std::string large(40'000, 'x');
      pair.server.write(as_bytes("from the server"));
      pair.client.write(as_bytes(large));
      pair.carry();
      pair.server.write(as_bytes(large));
      pair.client.write(as_bytes("from the client"));
      pair.carry();
      CHECK(pair.at_client == "from the server" + large);
      CHECK(pair.at_server == large + "from the client");
      pair.server.shut_down();
      pair.carry();
      CHECK(pair.client.state() == State::ended);
    }
  }
}

TEST_CASE("Engine: random writes, cuts and room for plaintext") {
  const Simple simple;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::size_t limit) { return 1 + random() % limit; };
    limit_to(*simple.client, kVersions[seed % 2]);
    Pair pair(*simple.server, *simple.client, {}, [&](auto text, const auto& piece) {
      while (!text.empty()) {
        const std::size_t size = std::min<std::size_t>(up_to(6000), text.size());
        piece(text.substr(0, size));
        text.remove_prefix(size);
      }
    });
    pair.carry();
    REQUIRE(pair.both_open());
    std::string up;
    std::string down;
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(random, random() % (random() % 5 ? 300 : 50'000));
      const bool to_server = random() % 2;
      (to_server ? up : down) += text;
      (to_server ? pair.client : pair.server).write(as_bytes(text));
      if (random() % 3 == 0) {
        pair.at_server += feed(pair.server, take_all(pair.client, pair.pool), up_to(20'000));
        pair.at_client += feed(pair.client, take_all(pair.server, pair.pool), up_to(20'000));
      }
    }
    pair.carry();
    CHECK(pair.at_server == up);
    CHECK(pair.at_client == down);
  }
}

TEST_CASE("Engine: a small write is one record, a large one records of 16 KiB") {
  for (const Version version : kVersions) {
    const Simple simple;
    limit_to(*simple.client, version);
    Pair pair(*simple.server, *simple.client);
    pair.carry();
    REQUIRE(pair.both_open());
    const std::size_t overhead = version == Version::tls13 ? 22 : 29;
    pair.server.write(as_bytes("hello"));
    CHECK(take_all(pair.server, pair.pool).size() == 5 + overhead);
    pair.server.write({});
    CHECK(!pair.server.has_output());
    pair.server.write(as_bytes(std::string(16384, 'x')));
    CHECK(take_all(pair.server, pair.pool).size() == 16384 + overhead);
    pair.server.write(as_bytes(std::string(16385, 'x')));
    CHECK(take_all(pair.server, pair.pool).size() == 16385 + 2 * overhead);
  }
}

TEST_CASE("Engine: close_notify from the client ends it, and the server may still write") {
  for (const Version version : kVersions) {
    const Simple simple;
    limit_to(*simple.client, version);
    Pair pair(*simple.server, *simple.client);
    pair.carry();
    pair.client.write(as_bytes("last words"));
    pair.client.shut_down();
    pair.client.shut_down();
    pair.carry();
    CHECK(pair.at_server == "last words");
    CHECK(pair.server.state() == State::ended);
    pair.server.write(as_bytes("farewell"));
    pair.server.shut_down();
    pair.carry();
    CHECK(pair.at_client == "farewell");
    CHECK(pair.client.state() == State::ended);
    pair.server.shut_down();
    CHECK(!pair.server.has_output());
  }
}

TEST_CASE("Engine: nothing is read after close_notify") {
  const Simple simple;
  Pair pair(*simple.server, *simple.client);
  pair.carry();
  pair.client.shut_down();
  const std::string end = take_all(pair.client, pair.pool);
  CHECK(feed(pair.server, end + "garbage").empty());
  CHECK(pair.server.state() == State::ended);
  CHECK(feed(pair.server, "more").empty());
  CHECK(pair.server.state() == State::ended);
  CHECK(!pair.server.has_output());
}

TEST_CASE("Engine: close_notify from the server ends the client") {
  for (const Version version : kVersions) {
    const Simple simple;
    limit_to(*simple.client, version);
    Pair pair(*simple.server, *simple.client);
    pair.carry();
    pair.server.shut_down();
    pair.carry();
    CHECK(pair.client.state() == State::ended);
    CHECK(pair.server.state() == State::open);
    pair.client.write(as_bytes("still here"));
    pair.carry();
    CHECK(pair.at_server == "still here");
  }
}

TEST_CASE("Engine: shut_down in a handshake says nothing") {
  const Simple simple;
  Pair pair(*simple.server, *simple.client);
  pair.server.shut_down();
  CHECK(!pair.server.has_output());
}

TEST_CASE("Engine: close_notify in the handshake is a failure") {
  const Simple simple;
  const std::string_view close_notify("\x15\x03\x03\x00\x02\x01\x00", 7);
  for (const Version version : kVersions) {
    limit_to(*simple.client, version);
    Pair pair(*simple.server, *simple.client);
    feed(pair.server, take_all(pair.client, pair.pool));
    CHECK(pair.server.state() == State::handshake);
    feed(pair.server, close_notify);
    CHECK(pair.server.state() == State::failed);
    CHECK(!std::string_view(pair.server.failure()).empty());
  }
}

TEST_CASE("Engine: plain HTTP is recognised") {
  for (const char* request : {"GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n",
                              "HEAD / HTTP/1.0\r\n", "CONNECT example.com:443 HTTP/1.1\r\n"}) {
    CAPTURE(request);
    const Simple simple;
    BlockPool pool(0);
    Engine engine(*simple.server, pool);
    feed(engine, request);
    CHECK(engine.state() == State::failed);
    CHECK(engine.is_plain_http());
  }
}

TEST_CASE("Engine: garbage fails at once") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const Simple simple;
    BlockPool pool(0);
    Engine engine(*simple.server, pool);
    CHECK(feed(engine, "\x01" + random_text(random, 20)).empty());
    CHECK(engine.state() == State::failed);
    CHECK(!engine.is_plain_http());
    CHECK(!std::string_view(engine.failure()).empty());
  }
}

TEST_CASE("Engine: a handshake that is cut off waits, one that was tampered with fails") {
  const Simple simple;
  Pair pair(*simple.server, *simple.client);
  const std::string hello = take_all(pair.client, pair.pool);
  feed(pair.server, std::string_view(hello).substr(0, hello.size() - 1));
  CHECK(pair.server.state() == State::handshake);
  CHECK(!pair.server.has_output());
  feed(pair.server, hello.substr(hello.size() - 1));
  CHECK(pair.server.state() == State::handshake);
  feed(pair.client, take_all(pair.server, pair.pool));
  std::string finish = take_all(pair.client, pair.pool);
  finish.back() = static_cast<char>(finish.back() ^ 1);
  feed(pair.server, finish);
  CHECK(pair.server.state() == State::failed);
  CHECK(pair.server.has_output());
  feed(pair.client, take_all(pair.server, pair.pool));
  CHECK(pair.client.state() == State::failed);
}

TEST_CASE("Engine: a tampered record fails with an alert, and what came before counts") {
  for (const Version version : kVersions) {
    const Simple simple;
    limit_to(*simple.client, version);
    Pair pair(*simple.server, *simple.client);
    pair.carry();
    pair.client.write(as_bytes("good"));
    std::string records = take_all(pair.client, pair.pool);
    pair.client.write(as_bytes("bad"));
    std::string bad = take_all(pair.client, pair.pool);
    bad.back() = static_cast<char>(bad.back() ^ 0x80);
    CHECK(feed(pair.server, records + bad) == "good");
    CHECK(pair.server.state() == State::failed);
    CHECK(std::string_view(pair.server.failure()) == "bad record mac");
    pair.carry();
    CHECK(pair.client.state() == State::failed);
    CHECK(std::string_view(pair.client.failure()) == "sslv3 alert bad record mac");
  }
}

TEST_CASE("Engine: nothing is made for a client before its first record is there") {
  const Simple simple;
  BlockPool pool(0);
  Pair pair(*simple.server, *simple.client);
  const std::string hello = take_all(pair.client, pair.pool);
  Engine engine(*simple.server, pool);
  CHECK(engine.native() == nullptr);
  feed(engine, std::string_view(hello).substr(0, hello.size() - 1));
  CHECK(engine.native() == nullptr);
  CHECK(pool.bytes_out() <= 1024);
  feed(engine, hello.substr(hello.size() - 1));
  CHECK(engine.native() != nullptr);
}

TEST_CASE("Engine: a hello that says it is long is refused before memory is taken for it") {
  const Simple simple;
  struct Case {
    std::string_view record;
    bool fails;
  };
  for (const Case c : {Case{{"\x16\x03\x01\x00\x04\x01\x00\x40\x00", 9}, false},
                       Case{{"\x16\x03\x01\x00\x04\x01\x00\x40\x01", 9}, true},
                       Case{{"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9}, true},
                       Case{{"\x16\x03\x01\x00\x03\x01\x00\x00", 8}, false},
                       Case{{"\x16\x03\x01\x00\x03\x01\x00\x40"
                             "\x16\x03\x01\x00\x01\x00",
                             14},
                            false},
                       Case{{"\x16\x03\x01\x00\x03\x01\x00\x40"
                             "\x16\x03\x01\x00\x01\x01",
                             14},
                            true}}) {
    CAPTURE(c.record.size());
    BlockPool pool(0);
    Engine engine(*simple.server, pool);
    feed(engine, c.record);
    CHECK((engine.state() == State::failed) == c.fails);
    CHECK(engine.has_output() == c.fails);
  }
}

TEST_CASE("Engine: what begins no handshake gets an alert (RFC 8446 section 5)") {
  const Simple simple;
  for (const std::string_view record :
       {std::string_view("\x17\x03\x03\x00\x20", 5), std::string_view("\x16\x03\x01\x00\x00", 5),
        std::string_view("\x15\x03\x03\x00\x02\x02\x28", 7),
        std::string_view("\x16\x03\x01\x40\x01", 5), std::string_view("\x80\x2e\x01\x03\x01", 5)}) {
    BlockPool pool(0);
    Engine engine(*simple.server, pool);
    feed(engine, record);
    CHECK(engine.state() == State::failed);
    CHECK(take_all(engine, pool) == std::string_view("\x15\x03\x03\x00\x02\x02\x0a", 7));
  }
}

TEST_CASE("Engine: a hello may come in records of any size (RFC 8446 section 5.1)") {
  for (const Version version : kVersions) {
    for (const std::size_t size : {1, 2, 3, 5, 100}) {
      CAPTURE(size);
      const Simple simple;
      limit_to(*simple.client, version);
      // With TLS 1.3 there is a second hello: the first key share is for another group.
      REQUIRE(SSL_CTX_set1_groups_list(simple.client->native(), "P-521:P-256") == 1);
      Pair pair(*simple.server, *simple.client);
      for (int hellos = version == Version::tls13 ? 2 : 1; hellos > 0; --hellos) {
        feed(pair.server, in_records_of(size, take_all(pair.client, pair.pool)));
        REQUIRE(pair.server.has_output());
        feed(pair.client, take_all(pair.server, pair.pool));
      }
      pair.carry();
      CHECK(pair.both_open());
    }
  }
}

TEST_CASE("Engine: a second hello, after a HelloRetryRequest, is held to the same size") {
  const Simple simple;
  // Its first key share is for a group that the server does not take.
  REQUIRE(SSL_CTX_set1_groups_list(simple.client->native(), "P-521:P-256") == 1);
  struct Case {
    std::string_view record;
    bool fails;
  };
  for (const Case c : {Case{{"\x16\x03\x03\x00\x04\x01\x00\x40\x00", 9}, false},
                       Case{{"\x16\x03\x03\x00\x04\x01\x00\x40\x01", 9}, true},
                       Case{{"\x16\x03\x03\x00\x03\x01\x00\x40"
                             "\x16\x03\x03\x00\x01\x00",
                             14},
                            false},
                       Case{{"\x16\x03\x03\x00\x03\x01\x00\x40"
                             "\x16\x03\x03\x00\x01\x01",
                             14},
                            true}}) {
    Pair pair(*simple.server, *simple.client);
    feed(pair.server, take_all(pair.client, pair.pool));
    REQUIRE(pair.server.state() == State::handshake);
    REQUIRE(pair.server.has_output());  // the HelloRetryRequest
    feed(pair.server, c.record);
    CHECK((pair.server.state() == State::failed) == c.fails);
  }
  Pair pair(*simple.server, *simple.client);
  pair.carry();
  CHECK(pair.both_open());
  Pair slow(*simple.server, *simple.client, {}, pieces_of(1));
  slow.carry();
  CHECK(slow.both_open());
}

TEST_CASE("Engine: one connection's error does not show at another") {
  const Simple simple;
  Pair good(*simple.server, *simple.client);
  good.carry();
  BlockPool pool(0);
  Engine bad(*simple.server, pool);
  feed(bad, "GET / HTTP/1.1\r\n\r\n");
  SSL_CTX_use_certificate(nullptr, nullptr);  // leaves an error in the queue of the thread
  good.client.write(as_bytes("fine"));
  good.carry();
  CHECK(good.at_server == "fine");
  Pair other(*simple.server, *simple.client);
  other.carry();
  CHECK(other.both_open());
}

TEST_CASE("Engine: a client of TLS 1.2 may not renegotiate, and goes on") {
  const Simple simple;
  limit_to(*simple.client, Version::tls12);
  SSL_CTX_clear_options(simple.client->native(), SSL_OP_NO_RENEGOTIATION);
  Pair pair(*simple.server, *simple.client);
  pair.carry();
  REQUIRE(pair.both_open());
  REQUIRE(SSL_renegotiate(pair.client.native()) == 1);
  pair.client.write(as_bytes("x"));
  const std::string request = take_all(pair.client, pair.pool);
  feed(pair.server, request);
  CHECK(pair.server.state() == State::open);
  REQUIRE(pair.server.has_output());
  feed(pair.client, take_all(pair.server, pair.pool));
  CHECK(std::string_view(pair.client.failure()) == "no renegotiation");
}

TEST_CASE("Engine: a client of TLS 1.3 may change its key and ask for ours to change") {
  const Simple simple;
  Pair pair(*simple.server, *simple.client);
  pair.carry();
  for (const int request :
       {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    REQUIRE(SSL_key_update(pair.client.native(), request) == 1);
    pair.client.write(as_bytes("ping"));
    pair.carry();
    pair.server.write(as_bytes("pong"));
    pair.server.write(as_bytes("!"));
    pair.carry();
  }
  CHECK(pair.at_server == "pingpingping");
  CHECK(pair.at_client == "pong!pong!pong!");
  CHECK(pair.both_open());
}

}  // namespace
}  // namespace peal::tls::test
