// SPDX-License-Identifier: Apache-2.0
#include "loadtest/machine_limits.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "loadtest/sources.h"

namespace peal::loadtest::machine_limits_test {
namespace {

Options with_connections(std::uint32_t count) {
  Options options;
  options.connections = count;
  return options;
}

SocketAddress address_of(const char* text) {
  std::vector<SocketAddress> found;
  REQUIRE(add_sources(text, found));
  return found.front();
}

constexpr PortRange kPorts{.first = 10'000, .last = 19'999};

TEST_CASE("machine limits: too few files are told with what helps") {
  CHECK_FALSE(too_few_files(1000, 1000, 0));
  const auto problem = too_few_files(30'028, 20'000, 0);
  REQUIRE(problem);
  CHECK(problem->contains("30,028 open files"));
  CHECK(problem->contains("ulimit -Hn 30028"));
  CHECK(problem->contains("fs.nr_open"));
  CHECK(files_needed(1000, 4) > 1000);
  CHECK_FALSE(problem->contains("--threads"));
}

TEST_CASE("machine limits: threads whose back end puts sockets aside make more possible") {
  CHECK_FALSE(too_few_files(39'000, 20'000, 1));
  const auto problem = too_few_files(1'000'240, 20'000, 2);
  REQUIRE(problem);
  CHECK(problem->contains("--threads 50."));
  CHECK_FALSE(too_few_files(1'000'240, 20'000, 50));
}

TEST_CASE("machine limits: how many source addresses so many connections need") {
  CHECK(sources_needed(1, kPorts) == 1);
  CHECK(sources_needed(10'000, kPorts) == 1);
  CHECK(sources_needed(10'001, kPorts) == 2);
  CHECK(sources_needed(1'000'000, kPorts) == 100);
}

TEST_CASE("machine limits: on loopback, addresses are added where one is not enough") {
  Options few = with_connections(5'000);
  REQUIRE(ensure_ports(few, address_of("127.0.0.1"), kPorts));
  CHECK(few.sources.empty());
  Options many = with_connections(25'000);
  REQUIRE(ensure_ports(many, address_of("127.0.0.1"), kPorts));
  CHECK(many.sources.size() == 10);  // so that most ports of each stay free
  Options named = with_connections(25'000);
  REQUIRE(add_sources("127.0.0.2-127.0.0.4", named.sources));
  REQUIRE(ensure_ports(named, address_of("127.0.0.1"), kPorts));
  CHECK(named.sources.size() == 3);
}

TEST_CASE("machine limits: elsewhere they have to be named, and the sysctl is told") {
  Options options = with_connections(25'000);
  const auto refused = ensure_ports(options, address_of("192.0.2.1"), kPorts);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().contains("need 3 source addresses"));
  CHECK(refused.error().contains("net.ipv4.ip_local_port_range"));
  REQUIRE(add_sources("192.0.2.2-192.0.2.4", options.sources));
  CHECK(ensure_ports(options, address_of("192.0.2.1"), kPorts));
  CHECK_FALSE(ensure_ports(options, address_of("::1"), kPorts));
}

TEST_CASE("machine limits: hints name the ulimit or the sysctl") {
  CHECK(hint_for(EMFILE).contains("ulimit -n"));
  CHECK(hint_for(EADDRNOTAVAIL).contains("ip_local_port_range"));
  CHECK(hint_for(ETIMEDOUT).contains("net.core.somaxconn"));
  CHECK(hint_for(EINVAL).empty());
}

TEST_CASE("sources: an address, a range, and what is neither") {
  std::vector<SocketAddress> sources;
  REQUIRE(add_sources("127.0.0.2", sources));
  REQUIRE(add_sources("127.0.0.250-127.0.1.5", sources));
  CHECK(sources.size() == 13);
  CHECK(sources.back().is_loopback());
  CHECK(address_of("::1").is_loopback());
  CHECK_FALSE(address_of("10.0.0.1").is_loopback());
  for (const char* text : {"", "x", "127.0.0.2-", "127.0.0.9-127.0.0.2", "127.0.0.0/8", "::1-::2",
                           "10.0.0.0-10.255.255.255"}) {
    CAPTURE(text);
    CHECK_FALSE(add_sources(text, sources));
  }
}

}  // namespace
}  // namespace peal::loadtest::machine_limits_test
