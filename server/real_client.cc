// SPDX-License-Identifier: Apache-2.0
#include "server/real_client.h"

namespace peal::server {

RealClient real_client(std::span<const http::ForwardedHop> hops, const io::TrustedPeers& trusted) {
  RealClient client;
  for (; !hops.empty(); hops = hops.first(hops.size() - 1)) {
    const http::ForwardedHop& hop = hops.back();
    if (hop.client) client.address = hop.client;
    if (!hop.scheme.empty()) client.scheme = hop.scheme;
    if (!hop.client || !trusted.contains(*hop.client)) break;
  }
  return client;
}

}  // namespace peal::server
