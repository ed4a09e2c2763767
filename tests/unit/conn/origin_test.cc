// SPDX-License-Identifier: Apache-2.0
// Connections that stand for others: the PROXY protocol, and lines that forward.
#include "tests/unit/conn/fixture.h"
#include "tests/unit/http/proxy_headers.h"

namespace peal::conn::origin_test {
namespace {

using namespace peal::conn::test;
using http::test::kProxyV4;
using http::test::proxy_v2;
using Kind = io::Peer::Kind;

constexpr std::string_view kOf7 = "PROXY TCP4 203.0.113.7 10.0.0.1 4660 443\r\n";

io::Peer peer(std::string_view address) {
  return {Kind::ip, IpAddress::parse(address).value()};
}

io::IpNetwork network(std::string_view address) {
  return peer(address).network();
}

/// 10.0.0.0/8 is trusted.
ListenerPolicy proxies(http::ProxyVersions versions = http::ProxyVersions::any) {
  ListenerPolicy policy;
  policy.proxy = versions;
  policy.proxies.networks = {IpPrefix::parse("10.0.0.0/8").value()};
  return policy;
}

ListenerPolicy forwarders() {
  ListenerPolicy policy;
  policy.forwarded = http::ForwardedField::x_forwarded_for;
  policy.forwarders.networks = {IpPrefix::parse("10.0.0.0/8").value()};
  return policy;
}

/// The only connection there is.
ConnectionState only(Bench& bench) {
  REQUIRE(bench.table().size() == 1);
  for (std::uint32_t index = 0;; ++index)
    for (std::uint32_t generation = 0; generation < 100; ++generation)
      if (const Connection* found = bench.table().find({index, generation})) return found->state;
}

void expect_served(Bench& bench, SimSocket& socket) {
  bench.run();
  CHECK(socket.read().starts_with("HTTP/1.1 200 "));
}

void expect_client(const std::string& header, io::IpNetwork client, bool https = false) {
  on_both({.listener = proxies()}, [&](Bench& bench) {
    Bench::next_peer = peer("10.0.0.1");
    SimSocket& socket = bench.connect();
    socket.write(header + get("/"));
    expect_served(bench, socket);
    CHECK(only(bench).client == client);
    CHECK(only(bench).https == https);
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: a trusted proxy says whose a connection is") {
  const std::string tls = http::test::proxy_field(0x20, std::string("\x01\0\0\0\0", 5));
  expect_client(std::string(kOf7), network("203.0.113.7"));
  expect_client(proxy_v2(0x21, 0x11, kProxyV4 + tls), network("203.0.113.7"), true);
  expect_client("PROXY UNKNOWN\r\n", network("10.0.0.1"));
  expect_client(proxy_v2(0x20, 0x11, kProxyV4), network("10.0.0.1"));
  expect_client(proxy_v2(0x21, 0x31, std::string(216, 'x')), io::IpNetwork::of_unix_socket());
}

TEST_CASE("ConnectionTable: a PROXY header may come octet by octet, and with what follows it") {
  on_both({.listener = proxies()}, [](Bench& bench) {
    Bench::next_peer = peer("10.0.0.1");
    SimSocket& socket = bench.connect();
    for (const char c : std::string(kOf7) + get("/")) {
      socket.write(std::string(1, c));
      bench.run();
    }
    expect_served(bench, socket);
    CHECK(bench.handler.requests == std::vector<std::string>{"/"});
    socket.write(get("/again"));
    expect_served(bench, socket);
    socket.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: who is not trusted is a client like any other") {
  on_both({.listener = proxies()}, [](Bench& bench) {
    Bench::next_peer = peer("192.0.2.1");
    SimSocket& plain = bench.connect();
    plain.write(get("/"));
    expect_served(bench, plain);
    SimSocket& liar = bench.connect();
    liar.write(std::string(kOf7) + get("/"));
    bench.run();
    CHECK(liar.read().starts_with("HTTP/1.1 400 "));
    CHECK(bench.handler.endings == std::vector{Ending::bad_request});
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: what was reset before it is accepted may be a trusted proxy's") {
  on_both({.listener = proxies()}, [](Bench& bench) {
    Bench::next_peer = {Kind::gone, {}};
    SimSocket& socket = bench.connect();
    socket.write(std::string(kOf7) + get("/"));
    bench.run();
    CHECK(socket.was_reset());
    CHECK(bench.handler.endings == std::vector{Ending::lost});
    CHECK(bench.handler.requests.empty());
    CHECK(bench.all_given_back());
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: a trusted proxy without a header that is taken is broken off") {
  for (const std::string& data :
       {get("/"), std::string("PROXY TCP4 x\r\n"), proxy_v2(0x21, 0x11, "")})
    on_both({.listener = proxies()}, [&](Bench& bench) {
      Bench::next_peer = peer("10.0.0.1");
      SimSocket& socket = bench.connect();
      socket.write(data);
      bench.run();
      CHECK(socket.read().empty());
      CHECK(socket.was_reset());
      CHECK(bench.handler.requests.empty());
      CHECK(bench.handler.endings == std::vector{Ending::proxy_protocol});
      CHECK(bench.all_given_back());
      Bench::next_peer = {};
    });
}

TEST_CASE("ConnectionTable: handshake_timeout counts from accept, PROXY header included") {
  Setup setup{.listener = proxies()};
  setup.limits.handshake_timeout = 1s;
  on_both(setup, [](Bench& bench) {
    Bench::next_peer = peer("10.0.0.1");
    SimSocket& silent = bench.connect();
    bench.run();
    bench.pass(800ms);
    SimSocket& slow = bench.connect();
    slow.write(kOf7.substr(0, 10));
    bench.run();
    bench.pass(300ms);
    CHECK(silent.was_reset());
    slow.write(kOf7.substr(10));
    bench.run();
    bench.pass(600ms);
    CHECK_FALSE(slow.closed());
    bench.pass(200ms);
    CHECK(slow.closed());
    CHECK(bench.all_given_back());
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: whoever a proxy names counts, and not the proxy") {
  on_both({.per_client = 2, .listener = proxies()}, [](Bench& bench) {
    Bench::next_peer = peer("10.0.0.1");
    std::vector<SimSocket*> sockets;
    for (int i = 0; i < 6; ++i) sockets.push_back(&bench.connect());
    bench.run();
    CHECK(bench.handler.refused == 0);
    CHECK(bench.admission().clients.clients() == 0);
    for (SimSocket* socket : sockets) {
      socket->write(kOf7);
      bench.run();
    }
    CHECK(bench.handler.refused == 2);
    CHECK(sockets[5]->was_reset());
    for (int i = 0; i < 4; ++i) sockets[static_cast<std::size_t>(i)]->write(get("/"));
    bench.run();
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(sockets[i]->read().starts_with("HTTP/1.1 200 "));
      CHECK(sockets[i]->ended() == (i >= 2));
    }
    for (SimSocket* socket : sockets) socket->shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
    CHECK(bench.admission().clients.clients() == 0);
    Bench::next_peer = {};
  });
}

TEST_CASE("ConnectionTable: a line that forwards is of one client for one request") {
  on_both({.per_client = 1, .listener = forwarders()}, [](Bench& bench) {
    Bench::next_peer = peer("10.0.0.1");
    SimSocket& line = bench.connect();
    SimSocket& other = bench.connect();
    bench.run();
    CHECK(bench.admission().clients.clients() == 0);
    bench.handler.answers_for = network("203.0.113.7");
    line.write(get("/"));
    expect_served(bench, line);
    CHECK(bench.admission().clients.clients() == 0);  // answered
    line.write(get("/owed"));
    bench.run();
    CHECK(bench.admission().clients.count(network("203.0.113.7")) == 1);
    other.write(get("/"));
    bench.run();
    CHECK(other.read().starts_with("HTTP/1.1 "));
    CHECK(other.ended());  // crowded
    other.shut_down_write();
    bench.run();
    bench.handler.answers_for = network("203.0.113.8");
    bench.handler.answer("done");
    line.write(get("/"));
    expect_served(bench, line);
    line.write(get("/stream"));
    bench.run();
    CHECK(bench.admission().clients.count(network("203.0.113.8")) == 1);
    CHECK(bench.admission().clients.clients() == 1);
    line.shut_down_write();
    bench.run();
    CHECK(bench.all_given_back());
    CHECK(bench.admission().clients.clients() == 0);
    Bench::next_peer = {};
  });
}

}  // namespace
}  // namespace peal::conn::origin_test
