// SPDX-License-Identifier: Apache-2.0
#include "core/conn/counters.h"

#include "tests/unit/conn/fixture.h"

namespace peal::conn::test {
namespace {

TEST_CASE("TrafficTable: is kept from one connection on until another, and begins anew with each") {
  TrafficTable traffic;
  const Instant now{1s};
  const SlotId first{.index = 3, .generation = 0};
  const SlotId far{.index = 1000, .generation = 0};
  traffic.begin(first, now);
  CHECK_FALSE(traffic.of(first));
  traffic.keep(true);
  CHECK_FALSE(traffic.of(first));  // it came before
  traffic.begin(far, now);
  REQUIRE(traffic.of(far));
  traffic.of(far)->bytes_sent = 5;
  traffic.begin(far, now + 1s);
  CHECK(traffic.of(far)->bytes_sent == 0);
  CHECK(traffic.of(far)->began == now + 1s);
  traffic.begin(first, now);
  CHECK(traffic.of(first));
  traffic.keep(false);
  CHECK(traffic.of(far));  // it goes on
  traffic.begin(far, now);
  CHECK_FALSE(traffic.of(far));
  CHECK(traffic.of(first));
}

TEST_CASE("ConnectionTable: counts what comes, goes and ends, of all and of each") {
  on_both({}, [](Bench& bench) {
    bench.table().keep_traffic(true);
    WsPeer peer;
    SimSocket& socket = bench.open(peer);
    const std::string message = peer.text(std::string(1000, 'm'));
    socket.write(message);
    bench.run();
    bench.read(socket, peer);
    const TableCounters& counters = bench.table().counters();
    CHECK(counters.accepted == 1);
    CHECK(counters.handshake.total() == 1);
    CHECK(counters.bytes_received > message.size());
    CHECK(counters.bytes_sent > 1000);
    const Traffic* traffic = bench.table().traffic(*bench.table().find(bench.handler.upgrading));
    REQUIRE(traffic);
    CHECK(traffic->bytes_received == counters.bytes_received);
    CHECK(traffic->bytes_sent == counters.bytes_sent);
    CHECK(counters.endings[static_cast<std::size_t>(Ending::client)] == 0);
    socket.write(peer.close(1000));
    bench.run();
    CHECK(counters.endings[static_cast<std::size_t>(Ending::client)] == 1);
  });
}

TEST_CASE("ConnectionTable: handshakes are timed as finely as turns are") {
  on_both({}, [](Bench& bench) {
    WsPeer peer;
    SimSocket& socket = bench.connect();
    bench.run();
    FakeClock::advance(700us);
    socket.write(peer.handshake("/echo"));
    bench.run();
    const DurationHistogram& handshake = bench.table().counters().handshake;
    CHECK(handshake.total() == 1);
    CHECK(handshake.sum() >= 700us);
    CHECK(handshake.sum() < 800us);  // a turn takes 1 us
    CHECK(handshake.count(4) == 1);  // up to 1 ms
  });
}

}  // namespace
}  // namespace peal::conn::test
