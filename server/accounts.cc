// SPDX-License-Identifier: Apache-2.0
#include "server/accounts.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "core/base/short_text.h"

namespace peal::server {
namespace {

template <std::size_t N>
void add(std::array<std::uint64_t, N>& to, const std::array<std::uint64_t, N>& more) {
  for (std::size_t i = 0; i < N; ++i) to[i] += more[i];
}

}  // namespace

HandshakeResult handshake_result(int status) {
  switch (status) {
    case 0:
    case 101:
    case 200:
      return HandshakeResult::accepted;
    case 401:
      return HandshakeResult::unauthorized;
    case 403:
      return HandshakeResult::forbidden;
    case 503:
      return HandshakeResult::unavailable;
    default:
      return HandshakeResult::refused;
  }
}

std::size_t status_index(int status) {
  const auto found = std::ranges::find(kStatuses, status);
  return static_cast<std::size_t>(std::min(found, kStatuses.end() - 1) - kStatuses.begin());
}

std::size_t close_index(std::uint16_t code) {
  if (code == 0) code = 1006;
  if (code >= 3000 && code < 4000) return kCloseLabels.size() - 3;
  if (code >= 4000 && code < 5000) return kCloseLabels.size() - 2;
  const ShortText<5> text = ShortText<5>().append(code);
  const auto found = std::ranges::find(kCloseLabels, text.view());
  return static_cast<std::size_t>(std::min(found, kCloseLabels.end() - 1) - kCloseLabels.begin());
}

std::string_view transport_label(const conn::Traffic& traffic) {
  return traffic.transport == 0 ? "http" : kTransportLabels[traffic.transport - 1u];
}

RouteCounters& RouteCounters::operator+=(const RouteCounters& more) {
  add(connections, more.connections);
  add(handshakes, more.handshakes);
  add(answers, more.answers);
  opened += more.opened;
  messages_received += more.messages_received;
  messages_echoed += more.messages_echoed;
  slow_closed += more.slow_closed;
  return *this;
}

void Accounts::begin_request(const conn::Connection& connection) {
  route_ = 0;
  status_ = 0;
  conn::Traffic* traffic = table_->traffic(connection);
  if (!traffic) return;
  ++traffic->requests;
  traffic->route = 0;
  traffic->transport = 0;
}

void Accounts::at_route(const conn::Connection& connection, std::uint32_t route) {
  route_ = route;
  if (route >= routes_.size()) routes_.resize(route + 1);
  if (conn::Traffic* traffic = table_->traffic(connection)) traffic->route = route;
}

void Accounts::answered(const conn::Connection& connection, std::uint32_t route, int status) {
  status_ = status;
  ++routes_[route].answers[status_index(status)];
  if (conn::Traffic* traffic = table_->traffic(connection))
    traffic->status = static_cast<std::uint16_t>(status);
}

void Accounts::opened(const conn::Connection& connection, std::uint32_t route,
                      config::Transport by) {
  ++of(route, by);
  ++routes_[route].opened;
  if (conn::Traffic* traffic = table_->traffic(connection))
    traffic->transport = static_cast<std::uint8_t>(1 + static_cast<std::size_t>(by));
}

void Accounts::count_handshake(HandshakeResult result) {
  ++routes_[route_].handshakes[static_cast<std::size_t>(result)];
}

void Accounts::count_received(const conn::Connection& connection, std::uint32_t route,
                              std::uint32_t messages) {
  routes_[route].messages_received += messages;
  if (conn::Traffic* traffic = table_->traffic(connection)) traffic->messages_received += messages;
}

void Accounts::count_echoed(conn::Connection& connection, std::uint32_t messages) {
  routes_[connection.policy->outbox.number].messages_echoed += messages;
  connection.count_messages(messages);
}

}  // namespace peal::server
