// SPDX-License-Identifier: Apache-2.0
#include "loadtest/endpoint.h"

#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "core/base/ascii.h"
#include "core/base/fd.h"

namespace peal::loadtest {
namespace {

void add_fields(std::string& head, const Endpoint& endpoint) {
  head.append("Host: ").append(endpoint.host).append("\r\n");
  for (const auto& [name, value] : endpoint.headers)
    head.append(name).append(": ").append(value).append("\r\n");
}

/// Whether a connection is taken there, soon.
bool accepts(const SocketAddress& address) {
  constexpr int kPatience = 1000;  // ms
  const Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return false;
  if (::connect(fd.get(), address.get(), address.size) == 0) return true;
  pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  int error = 0;
  socklen_t size = sizeof error;
  return errno == EINPROGRESS && ::poll(&wait, 1, kPatience) == 1 &&
         getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

bool SocketAddress::is_loopback() const {
  if (family() == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
  const auto& address = reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
  return family() == AF_INET && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

std::expected<SocketAddress, std::string> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(url.port);
  if (const int error = getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found); error != 0)
    return std::unexpected(url.host + ": " +
                           (error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  return answers(addresses);
}

SocketAddress answers(std::span<const SocketAddress> addresses) {
  if (addresses.size() == 1) return addresses.front();
  const auto found = std::ranges::find_if(addresses, accepts);
  return found == addresses.end() ? addresses.front() : *found;
}

std::optional<std::string> take_host(HeaderFields& headers) {
  std::optional<std::string> host;
  std::erase_if(headers, [&](const auto& field) {
    const bool found = ascii::equal_ignoring_case(field.first, "Host");
    if (found) host = field.second;
    return found;
  });
  return host;
}

std::string stream_request(const Endpoint& endpoint) {
  std::string head = "GET " + endpoint.url.target + " HTTP/1.1\r\n";
  add_fields(head, endpoint);
  return head + "Accept: text/event-stream\r\nCache-Control: no-store\r\n\r\n";
}

std::string publish_request(const Endpoint& endpoint) {
  std::string head = "POST " + endpoint.url.target + " HTTP/1.1\r\n";
  add_fields(head, endpoint);
  return head + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ";
}

}  // namespace peal::loadtest
