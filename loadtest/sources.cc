// SPDX-License-Identifier: Apache-2.0
#include "loadtest/sources.h"

#include <arpa/inet.h>

#include <optional>

namespace peal::loadtest {
namespace {

/// In the order of the machine.
std::optional<std::uint32_t> parse_v4(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

SocketAddress make_v4(std::uint32_t number) {
  SocketAddress address;
  auto& place = reinterpret_cast<sockaddr_in&>(address.storage);
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(number);
  address.size = sizeof place;
  return address;
}

}  // namespace

std::expected<void, std::string> add_sources(std::string_view text,
                                             std::vector<SocketAddress>& sources) {
  const std::string quoted = '"' + std::string(text) + '"';
  const auto dash = text.find('-');
  const std::string first(text.substr(0, dash));
  SocketAddress v6;
  auto& place = reinterpret_cast<sockaddr_in6&>(v6.storage);
  if (inet_pton(AF_INET6, first.c_str(), &place.sin6_addr) == 1 && first == text) {
    place.sin6_family = AF_INET6;
    v6.size = sizeof place;
    sources.push_back(v6);
    return {};
  }
  const auto from = parse_v4(first);
  const auto to =
      dash == std::string_view::npos ? from : parse_v4(std::string(text.substr(dash + 1)));
  if (!from || !to || *to < *from)
    return std::unexpected(quoted + " is no address such as 127.0.0.2, ::1, and no range of them " +
                           "such as 127.0.0.2-127.0.0.40");
  if (*to - *from >= kMaxSources - sources.size())
    return std::unexpected(quoted + ": " + std::to_string(kMaxSources) + " addresses at most");
  for (std::uint32_t number = *from; number <= *to; ++number) sources.push_back(make_v4(number));
  return {};
}

std::vector<SocketAddress> loopback_sources(std::uint32_t count) {
  std::vector<SocketAddress> sources;
  for (std::uint32_t i = 0; i < count; ++i) sources.push_back(make_v4((INADDR_LOOPBACK + 1) + i));
  return sources;
}

}  // namespace peal::loadtest
