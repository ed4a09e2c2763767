// SPDX-License-Identifier: Apache-2.0
#include "config/validate_listen.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <string>

#include "config/address.h"
#include "core/base/ip_address.h"

namespace peal::config {
namespace {

constexpr std::size_t kMaxSocketPath = 107;  // octets, unix(7)

/// A network may be written as any address in it, but that is more often a slip than meant.
void check_trust(const std::string& key, const std::vector<std::string>& trust,
                 Diagnosis& diagnosis) {
  for (std::size_t i = 0; i < trust.size(); ++i) {
    if (trust[i] == kTrustUnix) continue;
    const auto network = IpPrefix::parse(trust[i]);
    const auto address = IpAddress::parse(std::string_view(trust[i]).substr(0, trust[i].find('/')));
    if (network && address == network->first()) continue;
    diagnosis.report_item(
        key, i,
        "expected a network such as \"10.0.0.0/8\", an address or \"unix\", found " +
            in_quotes(trust[i]) +
            (network ? "; did you mean " + in_quotes(network->text()) + "?" : ""));
  }
}

/// Where nobody is trusted a key that says what trusted peers send would mean nothing.
void check_anybody_trusted(const std::string& key, bool needed,
                           const std::vector<std::string>& trust, Diagnosis& diagnosis) {
  if (needed && trust.empty() && !diagnosis.failed(key))
    diagnosis.report(key,
                     "expected the proxies that are believed, as networks, addresses or "
                     "\"unix\", found none");
}

void check_path(const Listen& listen, const std::string& table, Diagnosis& diagnosis) {
  if (listen.path.size() > kMaxSocketPath)
    diagnosis.report(table + "address", "expected a path of at most " +
                                            std::to_string(kMaxSocketPath) + " octets, found " +
                                            std::to_string(listen.path.size()));
  if (!listen.owner.empty() && ::getpwnam(listen.owner.c_str()) == nullptr)
    diagnosis.report(table + "owner",
                     "expected the name of a user, found " + in_quotes(listen.owner));
  if (!listen.group.empty() && ::getgrnam(listen.group.c_str()) == nullptr)
    diagnosis.report(table + "group",
                     "expected the name of a group, found " + in_quotes(listen.group));
}

/// Sockets of IPv6 take no clients of IPv4 here, so the kernel refuses such an address.
void check_host(const Listen& listen, const std::string& table, Diagnosis& diagnosis) {
  const auto address = IpAddress::parse(listen.host);
  if (!address || !address->is_v4() || !listen.host.contains(':')) return;
  diagnosis.report(table + "address", "expected an address of IPv4 without IPv6 around it, found " +
                                          in_quotes(address_text(listen)) + "; did you mean " +
                                          in_quotes(format_address(address->text(), listen.port)) +
                                          "?");
}

}  // namespace

void validate_listen(const Listen& listen, Diagnosis& diagnosis) {
  const std::string table = "listen." + listen.name + '.';
  if (!listen.path.empty()) check_path(listen, table, diagnosis);
  check_host(listen, table, diagnosis);
  const std::string proxies = table + "proxy.trust";
  const std::string forwarders = table + "forwarded.trust";
  check_trust(proxies, listen.proxy.trust, diagnosis);
  check_trust(forwarders, listen.forwarded.trust, diagnosis);
  check_anybody_trusted(proxies, listen.proxy.protocol != ProxyProtocol::none, listen.proxy.trust,
                        diagnosis);
  check_anybody_trusted(forwarders, listen.forwarded.header != ForwardedHeader::none,
                        listen.forwarded.trust, diagnosis);
}

void refuse_duplicate_addresses(const Config& config, Diagnosis& diagnosis) {
  for (auto listen = config.listen.begin(); listen != config.listen.end(); ++listen) {
    if (listen->path.empty() && listen->activation.empty() && listen->port == 0) continue;
    const std::string address = address_text(*listen);
    const auto is_same = [&](const Listen& other) { return address_text(other) == address; };
    const auto in_the_way = std::find_if(config.listen.begin(), listen, [&](const Listen& other) {
      return is_same(other) || overlap(other, *listen);
    });
    if (in_the_way == listen) continue;
    const std::string other = "listen." + in_the_way->name;
    diagnosis.report(
        "listen." + listen->name + ".address",
        "expected an address of its own, found " + in_quotes(address) +
            (is_same(*in_the_way) ? ", which is that of " : ", which overlaps that of ") + other +
            " (" + diagnosis.where(other + ".address") + ")");
  }
}

}  // namespace peal::config
