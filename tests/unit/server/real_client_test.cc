// SPDX-License-Identifier: Apache-2.0
#include "server/real_client.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace peal::server::real_client_test {
namespace {

/// 10.0.0.0/8 is trusted; "-" hides an address.
std::string client_of(std::vector<std::pair<const char*, const char*>> named) {
  io::TrustedPeers trusted;
  trusted.networks = {IpPrefix::parse("10.0.0.0/8").value()};
  std::vector<http::ForwardedHop> hops;
  for (const auto& [address, scheme] : named) hops.push_back({IpAddress::parse(address), scheme});
  const RealClient client = real_client(hops, trusted);
  return (client.address ? client.address->text() : "-") + " " + std::string(client.scheme);
}

TEST_CASE("real_client: the nearest address that is not trusted") {
  CHECK(client_of({{"203.0.113.7", "https"}}) == "203.0.113.7 https");
  CHECK(client_of({{"203.0.113.7", "https"}, {"10.0.0.1", "http"}}) == "203.0.113.7 https");
  // What is in front of it its own client may have made up.
  CHECK(client_of({{"192.0.2.1", "http"}, {"203.0.113.7", "https"}, {"10.0.0.1", ""}}) ==
        "203.0.113.7 https");
  CHECK(client_of({{"10.0.0.9", ""}, {"203.0.113.7", ""}}) == "203.0.113.7 ");
}

TEST_CASE("real_client: where all are trusted the farthest, and nobody where nobody is named") {
  CHECK(client_of({{"10.0.0.3", ""}, {"10.0.0.2", "https"}}) == "10.0.0.3 https");
  CHECK(client_of({}) == "- ");
}

TEST_CASE("real_client: where the one that counts is hidden, the one before it") {
  CHECK(client_of({{"-", "https"}}) == "- https");
  CHECK(client_of({{"203.0.113.7", ""}, {"-", ""}}) == "- ");
  CHECK(client_of({{"203.0.113.7", ""}, {"-", ""}, {"10.0.0.1", ""}}) == "10.0.0.1 ");
}

}  // namespace
}  // namespace peal::server::real_client_test
