// SPDX-License-Identifier: Apache-2.0
#include "core/tls/ticket_keys.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/unit/tls/pair.h"

namespace peal::tls::test {
namespace {

using namespace std::chrono_literals;
using peal::test::FakeClock;

constexpr Duration kPeriod = 1h;

std::unique_ptr<Context> make_server(const TemporaryFolder& folder, TicketKeys& keys) {
  return server_context(
      {.certificates = {folder.write("site", certificate_of(KeyType::ecdsa))}, .client_ca = ""},
      keys);
}

/// A connection's session, none when it did not open.
Session session_of(const Context& server, const Context& client) {
  Pair pair(server, client);
  pair.carry();
  CHECK(pair.both_open());
  return pair.client.session();
}

/// Whether the server takes the session up; the connection opens either way.
bool resumes(const Context& server, const Context& client, const Session& session) {
  Pair pair(server, client, {.host = "", .resume = session.get()});
  pair.carry();
  CHECK(pair.both_open());
  CHECK(pair.server.agreement().resumed == pair.client.agreement().resumed);
  pair.client.write(as_bytes("x"));
  pair.carry();
  CHECK(pair.at_server == "x");
  return pair.server.agreement().resumed;
}

TEST_CASE("TicketKeys: a key serves one period to seal, one more to open") {
  FakeClock::reset();
  TicketKeys keys(kPeriod, &FakeClock::now);
  const auto first = keys.newest();
  REQUIRE(first);
  CHECK(keys.newest()->name == first->name);
  CHECK(keys.find(first->name)->newest);
  FakeClock::advance(kPeriod - 1s);
  CHECK(keys.newest()->name == first->name);
  FakeClock::advance(1s);
  const auto second = keys.newest();
  CHECK(second->name != first->name);
  CHECK(second->cipher != first->cipher);
  CHECK(second->mac != first->mac);
  REQUIRE(keys.find(first->name));
  CHECK(!keys.find(first->name)->newest);
  CHECK(keys.find(first->name)->key.cipher == first->cipher);
  FakeClock::advance(kPeriod);
  CHECK(!keys.find(first->name));
  CHECK(keys.find(second->name));
}

TEST_CASE("TicketKeys: after a long silence no old key serves") {
  FakeClock::reset();
  TicketKeys keys(kPeriod, &FakeClock::now);
  const auto first = keys.newest();
  FakeClock::advance(2 * kPeriod);
  CHECK(!keys.find(first->name));
  CHECK(!keys.find(TicketKeys::Key().name));
}

TEST_CASE("TicketKeys: a session is resumed by every context, across threads") {
  const TemporaryFolder folder;
  TicketKeys keys;
  const auto server = make_server(folder, keys);
  const auto other_server = make_server(folder, keys);
  for (const Version version : kVersions) {
    CAPTURE(static_cast<int>(version));
    const auto client = trusting_client();
    limit_to(*client, version);
    Session session;
    std::thread([&] { session = session_of(*server, *client); }).join();
    REQUIRE(session);
    bool same = false;
    bool other = false;
    std::thread([&] { same = resumes(*server, *client, session); }).join();
    std::thread([&] { other = resumes(*other_server, *client, session); }).join();
    CHECK(same);
    CHECK(other);
    TicketKeys strange_keys;
    CHECK(!resumes(*make_server(folder, strange_keys), *client, session));
  }
}

TEST_CASE("TicketKeys: handshakes of several threads at once, with keys that go all the time") {
  const TemporaryFolder folder;
  TicketKeys keys(1ms);
  const auto server = make_server(folder, keys);
  const auto client = trusting_client();
  std::atomic<int> opened = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        Pair first(*server, *client);
        first.carry();
        const Session session = first.client.session();
        Pair second(*server, *client, {.host = "", .resume = session.get()});
        second.carry();
        opened += first.both_open() + second.both_open();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(opened == 80);
}

TEST_CASE("TicketKeys: resumption after one rotation brings a new ticket, after two it ends") {
  for (const Version version : kVersions) {
    CAPTURE(static_cast<int>(version));
    FakeClock::reset();
    const TemporaryFolder folder;
    TicketKeys keys(kPeriod, &FakeClock::now);
    const auto server = make_server(folder, keys);
    const auto client = trusting_client();
    limit_to(*client, version);
    const Session session = session_of(*server, *client);
    FakeClock::advance(kPeriod);

    Pair second(*server, *client, {.host = "", .resume = session.get()});
    second.carry();
    REQUIRE(second.both_open());
    CHECK(second.server.agreement().resumed);
    const Session renewed = second.client.session();
    FakeClock::advance(kPeriod);
    CHECK(!resumes(*server, *client, session));
    CHECK(resumes(*server, *client, renewed));
  }
}

}  // namespace
}  // namespace peal::tls::test
