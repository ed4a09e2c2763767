// SPDX-License-Identifier: Apache-2.0
#include "server/listener_policies.h"

namespace peal::server {
namespace {

std::optional<http::ProxyVersions> versions_of(config::ProxyProtocol protocol) {
  switch (protocol) {
    case config::ProxyProtocol::none:
      return std::nullopt;
    case config::ProxyProtocol::v1:
      return http::ProxyVersions::v1;
    case config::ProxyProtocol::v2:
      return http::ProxyVersions::v2;
    case config::ProxyProtocol::any:
      return http::ProxyVersions::any;
  }
  return std::nullopt;
}

std::optional<http::ForwardedField> field_of(config::ForwardedHeader header) {
  switch (header) {
    case config::ForwardedHeader::none:
      return std::nullopt;
    case config::ForwardedHeader::x_forwarded_for:
      return http::ForwardedField::x_forwarded_for;
    case config::ForwardedHeader::forwarded:
      return http::ForwardedField::forwarded;
  }
  return std::nullopt;
}

io::TrustedPeers peers_of(const std::vector<std::string>& trust) {
  io::TrustedPeers peers;
  for (const std::string& entry : trust) {
    if (entry == config::kTrustUnix)
      peers.unix_sockets = true;
    else if (const auto network = IpPrefix::parse(entry))
      peers.networks.push_back(*network);
  }
  return peers;
}

}  // namespace

std::vector<conn::ListenerPolicy> make_listener_policies(const config::Config& config,
                                                         const Certificates& certificates) {
  std::vector<conn::ListenerPolicy> policies;
  for (const config::Listen& listen : config.listen)
    policies.push_back({.certificates = certificates.of(policies.size()),
                        .proxy = versions_of(listen.proxy.protocol),
                        .proxies = peers_of(listen.proxy.trust),
                        .forwarded = field_of(listen.forwarded.header),
                        .forwarders = peers_of(listen.forwarded.trust),
                        .defers = listen.defer_accept});
  return policies;
}

}  // namespace peal::server
