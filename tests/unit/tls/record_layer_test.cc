// SPDX-License-Identifier: Apache-2.0
// The engine's tests have OpenSSL at the other end; here are the records it would never send.
#include "core/tls/record_layer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "tests/unit/tls/pair.h"
#include "tests/unit/tls/sealer.h"

namespace peal::tls::test {
namespace {

constexpr std::string_view kUpdate("\x18\0\0\x01\0", 5);
constexpr std::string_view kUpdateAndAsk("\x18\0\0\x01\x01", 5);

/// A record layer, and a peer that seals whatever a test says.
struct Peer : Sealer {
  explicit Peer(Version version = Version::tls13)
      : Sealer(version, traffic(1)), records(version, traffic(1), traffic(2), buffer, wire, pool) {}

  std::string take() { return take_all(wire, pool); }

  bool failed_with(std::string_view reason) {
    return records.state() == RecordLayer::State::failed && records.failure() == reason &&
           wire.has_output();
  }

  BlockPool pool{0};
  RecordBuffer buffer{pool};
  Wire wire{pool};
  RecordLayer records;
};

TEST_CASE("RecordLayer: data, with and without padding, empty and full") {
  for (const Version version : kVersions) {
    Peer peer(version);
    CHECK(feed(peer.records, peer.sealed(kData, "hello")) == "hello");
    CHECK(feed(peer.records, peer.sealed(kData, "")).empty());
    const std::string full(1 << 14, 'x');
    CHECK(feed(peer.records, peer.sealed(kData, full)) == full);
    CHECK(feed(peer.records, peer.sealed(kData, "again")) == "again");
  }
  Peer peer;
  CHECK(feed(peer.records, peer.sealed(kData, "padded", 200)) == "padded");
  CHECK(feed(peer.records, peer.sealed(kData, "", 200)).empty());
  CHECK(peer.records.state() == RecordLayer::State::open);
  CHECK(!peer.wire.has_output());
}

TEST_CASE("RecordLayer: tickets are passed over where they may come, and only there") {
  const std::string ticket = std::string("\x04\0\0\x06", 4) + "ticket";
  Peer server;  // of a server no peer may send one
  CHECK(feed(server.records, server.sealed(kHandshake, ticket)).empty());
  CHECK(server.failed_with("unexpected_message"));

  const std::string all = ticket + std::string("\x04\0\0\0", 4) + ticket + std::string(kUpdate);
  for (std::size_t first = 1; first < all.size(); ++first) {
    Peer peer;
    RecordLayer records(Version::tls13, traffic(1), traffic(2), peer.buffer, peer.wire, peer.pool,
                        true);
    feed(records, peer.sealed(kHandshake, all.substr(0, first)));
    CHECK(feed(records, peer.sealed(kHandshake, all.substr(first))).empty());
    CHECK(records.state() == RecordLayer::State::open);
  }
  Peer peer;
  RecordLayer records(Version::tls13, traffic(1), traffic(2), peer.buffer, peer.wire, peer.pool,
                      true);
  feed(records, peer.sealed(kHandshake, ticket.substr(0, 6)));
  feed(records, peer.sealed(kData, "inside a ticket"));
  CHECK(records.state() == RecordLayer::State::failed);
}

TEST_CASE("RecordLayer: any room for plaintext gives all of it, in order") {
  for (const std::size_t room : {1, 2, 3, 7, 100}) {
    CAPTURE(room);
    Peer peer;
    std::string records = peer.sealed(kData, "abcdefgh");
    records += peer.sealed(kData, "ij", 50);
    records += peer.sealed(kData, "");
    records += peer.sealed(kData, "klm");
    CHECK(feed(peer.records, records, room) == "abcdefghijklm");
    CHECK(peer.pool.bytes_out() == 0);
  }
}

TEST_CASE("RecordLayer: a record in pieces holds memory for what has come, and gives it back") {
  Peer peer;
  const std::string record = peer.sealed(kData, std::string(16'000, 'x'));
  std::string got = feed(peer.records, std::string_view(record).substr(0, 5));
  CHECK(peer.pool.bytes_out() <= 256);
  got += feed(peer.records, std::string_view(record).substr(5, 1000));
  CHECK(peer.pool.bytes_out() <= 2048);
  got += feed(peer.records, std::string_view(record).substr(1005));
  CHECK(got == std::string(16'000, 'x'));
  CHECK(peer.pool.bytes_out() == 0);
}

TEST_CASE("RecordLayer: an incomplete record is given back when the connection ends") {
  BlockPool pool(0);
  {
    Wire wire(pool);
    RecordBuffer buffer(pool);
    RecordLayer records(Version::tls13, traffic(1), traffic(2), buffer, wire, pool);
    feed(records, std::string_view("\x17\x03\x03\x10", 4));
    CHECK(pool.bytes_out() > 0);
  }
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("RecordLayer: lengths above the limit are refused by the header alone") {
  for (const Version version : kVersions) {
    const std::size_t limit = (1 << 14) + (version == Version::tls13 ? 256 : 2048);
    Peer peer(version);
    std::string header = {kData, 3, 3, static_cast<char>(limit >> 8), static_cast<char>(limit)};
    feed(peer.records, header);
    CHECK(peer.records.state() == RecordLayer::State::open);
    Peer other(version);
    ++header.back();
    feed(other.records, header);
    CHECK(other.failed_with("record overflow"));
  }
}

TEST_CASE("RecordLayer: more than 16 KiB of content is refused though it is sealed well") {
  for (const Version version : kVersions) {
    Peer peer(version);
    CHECK(feed(peer.records, peer.sealed(kData, std::string((1 << 14) + 1, 'x'))).empty());
    CHECK(peer.failed_with("record overflow"));
  }
}

TEST_CASE("RecordLayer: records too short for a tag, and tags that do not fit") {
  for (const Version version : kVersions) {
    for (const std::size_t size : {0, 1, 15, 16, 23}) {
      CAPTURE(size);
      Peer peer(version);
      feed(peer.records,
           std::string{kData, 3, 3, 0, static_cast<char>(size)} + std::string(size, 'x'));
      CHECK(peer.failed_with("bad record mac"));
    }
  }
}

TEST_CASE("RecordLayer: every flipped bit is found, and a record cannot come twice") {
  for (const Version version : kVersions) {
    const std::string right = Peer(version).sealed(kData, "hi");
    for (std::size_t bit = 0; bit < 8 * right.size(); ++bit) {
      // A length that grows is waited for; in TLS 1.3 the type has its own alert.
      if (bit / 8 == 3 || bit / 8 == 4 || bit / 8 == 0) continue;
      CAPTURE(bit);
      std::string wrong = right;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
      Peer peer(version);
      CHECK(feed(peer.records, wrong).empty());
      CHECK(peer.failed_with("bad record mac"));
    }
    Peer peer(version);
    CHECK(feed(peer.records, right + right) == "hi");
    CHECK(peer.failed_with("bad record mac"));
  }
}

TEST_CASE("RecordLayer: types that have no place here") {
  for (const std::uint8_t type : std::array<std::uint8_t, 5>{0, 20, 24, 25, 255}) {
    CAPTURE(static_cast<int>(type));
    for (const Version version : kVersions) {
      Peer peer(version);
      feed(peer.records, peer.sealed(type, "x"));
      CHECK(peer.failed_with("unexpected_message"));
    }
  }
  // In TLS 1.3 nothing but application data is seen from outside (RFC 8446 section 5.2).
  for (const std::uint8_t outer : std::array<std::uint8_t, 3>{20, 21, 22}) {
    Peer peer;
    feed(peer.records, peer.sealed_inner(outer, std::string("x") + static_cast<char>(kData)));
    CHECK(peer.failed_with("unexpected_message"));
  }
  Peer padding_only;
  feed(padding_only.records, padding_only.sealed_inner(kData, std::string(10, '\0')));
  CHECK(padding_only.failed_with("unexpected_message"));
}

TEST_CASE("RecordLayer: alerts") {
  struct Case {
    std::string_view content;
    bool fails12;
    bool fails13;
  };
  for (const Case& c : {Case{"\x02\x14", true, true},       // bad_record_mac
                        Case{"\x01\x14", false, true},      // as a warning
                        Case{"\x01\x5a", false, false}}) {  // user_canceled
    for (const Version version : kVersions) {
      Peer peer(version);
      feed(peer.records, peer.sealed(kAlert, c.content));
      const bool fails = version == Version::tls12 ? c.fails12 : c.fails13;
      CHECK((peer.records.state() == RecordLayer::State::failed) == fails);
      CHECK(!peer.wire.has_output());  // an alert gets no answer
    }
  }
  for (const std::string_view content : {"", "\x01", "\x01\x5a\x5a"}) {
    Peer peer;
    feed(peer.records, peer.sealed(kAlert, content));
    CHECK(peer.failed_with("decode error"));
  }
}

TEST_CASE("RecordLayer: no alert follows close_notify") {
  Peer peer;
  peer.records.shut_down();
  CHECK(!peer.take().empty());
  feed(peer.records, std::string("\x17\x03\x03\0\0", 5));
  CHECK(peer.records.state() == RecordLayer::State::failed);
  CHECK(!peer.wire.has_output());
}

TEST_CASE("RecordLayer: a KeyUpdate in pieces, but with nothing between or behind") {
  Peer peer;
  feed(peer.records, peer.sealed(kHandshake, kUpdate.substr(0, 1)));
  feed(peer.records, peer.sealed(kHandshake, kUpdate.substr(1)));
  peer.update_key();
  CHECK(feed(peer.records, peer.sealed(kData, "new key")) == "new key");
  CHECK(!peer.wire.has_output());

  Peer between;
  feed(between.records, between.sealed(kHandshake, kUpdate.substr(0, 4)));
  feed(between.records, between.sealed(kData, ""));
  CHECK(between.failed_with("unexpected_message"));
  Peer behind;
  feed(behind.records, behind.sealed(kHandshake, std::string(kUpdate) + std::string(kUpdate)));
  CHECK(behind.failed_with("unexpected_message"));
  Peer empty;
  feed(empty.records, empty.sealed(kHandshake, ""));
  CHECK(empty.failed_with("unexpected_message"));
  Peer other;
  feed(other.records, other.sealed(kHandshake, std::string_view("\x01\0\0\x01\0", 5)));
  CHECK(other.failed_with("unexpected_message"));
  Peer value;
  feed(value.records, value.sealed(kHandshake, std::string_view("\x18\0\0\x01\x02", 5)));
  CHECK(value.failed_with("decode error"));
}

TEST_CASE("RecordLayer: key updates without data between them are counted") {
  Peer peer;
  for (int i = 0; i < 32; ++i) {
    feed(peer.records, peer.sealed(kHandshake, kUpdateAndAsk));
    peer.update_key();
  }
  CHECK(peer.records.state() == RecordLayer::State::open);
  CHECK(!peer.wire.has_output());  // one answer, with the next data
  CHECK(feed(peer.records, peer.sealed(kData, "x")) == "x");
  for (int i = 0; i < 33; ++i) {
    feed(peer.records, peer.sealed(kHandshake, kUpdate));
    peer.update_key();
  }
  CHECK(peer.failed_with("unexpected_message"));
}

TEST_CASE("RecordLayer: our key changes before RFC 8446 section 5.5 asks for it") {
  BlockPool pool(0);
  Wire wire(pool);
  Wire back(pool);
  Traffic worn = traffic(2);
  worn.key.sequence = (1 << 24) - 1;
  RecordBuffer in(pool);
  RecordBuffer peer_in(pool);
  RecordLayer ours(Version::tls13, traffic(1), worn, in, wire, pool);
  RecordLayer peer(Version::tls13, worn, traffic(1), peer_in, back, pool);
  for (const std::size_t records : {1, 2, 1}) {
    ours.write(as_bytes("x"));
    const std::string sent = take_all(wire, pool);
    CHECK(sent.size() == 5 + 1 + 17 + (records - 1) * (5 + 5 + 17));
    CHECK(feed(peer, sent) == "x");
  }
}

TEST_CASE("RecordLayer: TLS 1.2 answers a handshake message with no_renegotiation") {
  Peer peer(Version::tls12);
  feed(peer.records, peer.sealed(kHandshake, std::string_view("\x01\0\0\0", 4)));
  CHECK(peer.records.state() == RecordLayer::State::open);
  CHECK(peer.take().size() == 5 + 8 + 2 + 16);
  CHECK(feed(peer.records, peer.sealed(kData, "go on")) == "go on");
}

TEST_CASE("RecordLayer: TLS 1.2 does not answer handshake messages for ever") {
  Peer peer(Version::tls12);
  std::size_t answers = 0;
  for (int i = 0; i < 100 && peer.records.state() == RecordLayer::State::open; ++i) {
    feed(peer.records, peer.sealed(kHandshake, std::string_view("\x01\0\0\0", 4)));
    CHECK(feed(peer.records, peer.sealed(kData, "d")) ==
          (peer.records.state() == RecordLayer::State::open ? "d" : ""));
    ++answers;
  }
  CHECK(peer.records.state() == RecordLayer::State::failed);
  CHECK(answers == 5);
}

}  // namespace
}  // namespace peal::tls::test
