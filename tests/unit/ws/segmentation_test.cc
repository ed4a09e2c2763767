// SPDX-License-Identifier: Apache-2.0
// The same octets give the same events however they are cut, and those of the slow reader.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/ws/message_reader.h"
#include "tests/support/rounds.h"
#include "tests/unit/ws/frames.h"
#include "tests/unit/ws/reference_reader.h"

namespace peal::ws::segmentation_test {

using namespace test;
using peal::test::rounds;

namespace {

/// Streams of frames that mostly keep the rules, so that they get far before they break one.
class StreamMaker {
 public:
  StreamMaker(std::uint64_t seed, Role role, Deflation deflation = {})
      : random_(seed), role_(role), deflation_(deflation) {}

  std::string stream() {
    std::string octets;
    for (auto frames = below(12); frames > 0; --frames) octets += message_or_control();
    if (below(3) == 0) octets += mutated(message_or_control());
    if (below(4) == 0) octets.resize(below(octets.size() + 1));
    return octets;
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  std::string message_or_control() { return below(3) == 0 ? control() : message(); }

  std::string message() {
    const bool is_text = below(3) != 0;
    std::string payload = is_text ? text() : binary();
    unsigned opcode = is_text ? 0x1 : 0x2;
    if (deflation_.on && below(4) != 0) {
      payload = compressed(payload);
      opcode |= 0x40;
    }
    if (below(2) == 0) return frame(kFinal | opcode, payload);
    const std::size_t first = below(payload.size() + 1);
    const std::size_t second = first + below(payload.size() - first + 1);
    std::string octets = frame(opcode, payload.substr(0, first));
    if (below(3) == 0) octets += control();
    if (below(2) == 0) return octets + frame(kFinal, payload.substr(first));
    octets += frame(0, payload.substr(first, second - first));
    if (below(3) == 0) octets += control();
    return octets + frame(kFinal, payload.substr(second));
  }

  /// The payload of a compressed message, in one of the forms that it may have, or a broken one.
  std::string compressed(const std::string& payload) {
    if (!deflation_.takeover) deflater_.reset();
    std::string octets;
    switch (below(6)) {
      case 0:  // several flushes
        octets =
            deflater_.compress(payload, Z_SYNC_FLUSH) + deflater_.compress("more", Z_SYNC_FLUSH);
        octets.resize(octets.size() - kDeflateTail.size());
        break;
      case 1:  // a final block; its sender starts anew
        octets = deflater_.compress(payload, Z_FINISH) + '\0';
        deflater_.reset();
        if (below(2) == 0) octets.insert(0, deflated("first"));
        break;
      default:
        octets = deflater_.message(payload);
    }
    if (below(40) == 0) return mutated(std::move(octets));
    if (below(60) == 0) octets.resize(below(octets.size() + 1));
    return octets;
  }

  std::string control() {
    const std::size_t kind = below(20);
    if (kind > 0) return frame(kFinal | (kind % 2 ? 0x9 : 0xa), binary().substr(0, below(126)));
    static constexpr unsigned kCodes[] = {1000, 1001, 1004, 1006, 1011, 1015, 3000, 4999, 5000};
    const unsigned code = kCodes[below(std::size(kCodes))];
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    return frame(kFinal | 0x8, (payload + text()).substr(0, below(126)));
  }

  std::string text() {
    static constexpr std::string_view kPieces[] = {
        "a", "Hello, world", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"};
    static constexpr std::string_view kBad[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82"};
    std::string octets;
    for (std::size_t size = some_size(); octets.size() < size;)
      octets += below(500) == 0 ? kBad[below(std::size(kBad))] : kPieces[below(std::size(kPieces))];
    return octets;
  }

  std::string binary() {
    std::string octets(some_size(), '\0');
    for (char& octet : octets) octet = static_cast<char>(random_());
    return octets;
  }

  std::size_t some_size() {
    const std::size_t kind = below(100);
    if (kind == 0) return 65530 + below(12);
    return kind < 10 ? 120 + below(300) : below(40);
  }

  std::string frame(unsigned first, std::string_view payload) {
    if (role_ == Role::client) return server_frame(first, payload);
    std::array<std::uint8_t, 4> key;
    for (std::uint8_t& octet : key) octet = static_cast<std::uint8_t>(random_());
    return client_frame(first, payload, key);
  }

  std::string mutated(std::string octets) {
    if (octets.empty()) return octets;
    // Mistakes in a header matter most.
    const std::size_t at = below(2) == 0 ? below(octets.size()) : below(2);
    octets[at] = static_cast<char>(octets[at] ^ 1 << below(8));
    return octets;
  }

  std::mt19937_64 random_;
  Role role_;
  Deflation deflation_;
  ReferenceDeflater deflater_;
};

/// Feeds `octets` in pieces of one to `longest` octets.
void feed_in_pieces(RealReader& reader, std::string_view octets, std::size_t longest,
                    StreamMaker& random) {
  while (!octets.empty()) {
    const std::size_t size = std::min(octets.size(), 1 + random.below(longest));
    reader.feed(octets.substr(0, size));
    octets.remove_prefix(size);
  }
}

}  // namespace

TEST_CASE("MessageReader: any segmentation gives the same events, those of the slow reader") {
  std::size_t events = 0, failures = 0;
  for (std::uint64_t seed = 1; seed <= rounds(6000); ++seed) {
    INFO("seed ", seed);
    const Role role = seed % 4 == 0 ? Role::client : Role::server;
    StreamMaker random(seed, role);
    const std::uint64_t limit = seed % 7 == 0 ? 200 : 100'000;
    const std::string stream = random.stream();

    ReferenceReader expected(role, limit);
    expected.feed(stream);
    RealReader whole(role, limit);
    whole.feed(stream);
    REQUIRE(whole.seen() == expected.seen());
    for (std::size_t longest : {1, 4, 20, 1000}) {
      RealReader cut(role, limit);
      if (random.below(2) == 0) cut.go_direct(2 + random.below(40));
      feed_in_pieces(cut, stream, longest, random);
      REQUIRE(cut.seen() == expected.seen());
      REQUIRE(cut.reason() == whole.reason());
    }
    events += expected.seen().size();
    failures += !whole.reason().empty();
  }
  // The streams are worth something: neither all broken nor all well.
  CHECK(events > rounds(20'000));
  CHECK(failures > rounds(500));
  CHECK(failures < rounds(3000));
}

TEST_CASE("echo: with the reader, the same events as the slow reader's") {
  for (std::uint64_t seed = 1; seed <= rounds(3000); ++seed) {
    INFO("seed ", seed);
    StreamMaker random(seed, Role::server);
    const std::uint64_t limit = seed % 7 == 0 ? 200 : 100'000;
    const std::string stream = random.stream();
    ReferenceReader expected(Role::server, limit);
    expected.feed(stream);
    for (std::size_t longest : {20, 1000, 100'000}) {
      RealReader reader(Role::server, limit);
      reader.echo_runs(1 + random.below(8));
      feed_in_pieces(reader, stream, longest, random);
      REQUIRE(reader.seen() == expected.seen());
    }
  }
}

TEST_CASE("MessageReader: any segmentation of compressed messages gives the same events") {
  std::size_t events = 0, failures = 0;
  for (std::uint64_t seed = 1; seed <= rounds(3000); ++seed) {
    INFO("seed ", seed);
    const Role role = seed % 4 == 0 ? Role::client : Role::server;
    const Deflation deflation{.on = true, .takeover = seed % 2 == 0};
    StreamMaker random(seed, role, deflation);
    const std::uint64_t limit = seed % 7 == 0 ? 200 : 100'000;
    const std::string stream = random.stream();

    ReferenceReader expected(role, limit, deflation);
    expected.feed(stream);
    RealReader whole(role, limit, deflation);
    whole.feed(stream);
    REQUIRE(whole.seen() == expected.seen());
    for (std::size_t longest : {1, 4, 20, 1000}) {
      RealReader cut(role, limit, deflation);
      if (random.below(2) == 0) cut.go_direct(2 + random.below(40));
      feed_in_pieces(cut, stream, longest, random);
      REQUIRE(cut.seen() == expected.seen());
      REQUIRE(cut.reason() == whole.reason());
    }
    events += expected.seen().size();
    failures += !whole.reason().empty();
  }
  CHECK(events > rounds(10'000));
  CHECK(failures > rounds(300));
  CHECK(failures < rounds(1500));
}

TEST_CASE("MessageReader: an event comes with its last octet, an error with its first") {
  for (std::uint64_t seed = 1; seed <= rounds(2000); ++seed) {
    INFO("seed ", seed);
    const Deflation deflation{.on = seed % 2 == 0, .takeover = seed % 4 == 0};
    StreamMaker random(seed, Role::server, deflation);
    const std::string stream = random.stream();
    ReferenceReader expected(Role::server, 100'000, deflation);
    RealReader reader(Role::server, 100'000, deflation);
    for (char octet : std::string_view(stream).substr(0, 2000)) {
      expected.feed({&octet, 1});
      reader.feed({&octet, 1});
      REQUIRE(reader.seen().size() == expected.seen().size());
    }
    REQUIRE(reader.seen() == expected.seen());
  }
}

TEST_CASE("MessageReader: every cut into two of one stream") {
  const std::string stream = client_frame(kFinal | 0x1, "Hello") + client_frame(0x1, "\xc3") +
                             client_frame(kFinal | 0x9, "ping") +
                             client_frame(kFinal, "\xa9 and more") +
                             client_frame(kFinal | 0x2, std::string(200, 'x')) +
                             client_frame(kFinal | 0x8, "\x03\xe8 bye");
  ReferenceReader expected(Role::server, 1000);
  expected.feed(stream);
  REQUIRE(expected.seen().size() == 5);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    RealReader reader(Role::server, 1000);
    reader.feed(std::string_view(stream).substr(0, cut));
    reader.feed(std::string_view(stream).substr(cut));
    REQUIRE(reader.seen() == expected.seen());
  }
}

}  // namespace peal::ws::segmentation_test
