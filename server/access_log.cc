// SPDX-License-Identifier: Apache-2.0
#include "server/access_log.h"

#include <array>
#include <string>

#include "server/accounts.h"
#include "server/log.h"

namespace peal::server {
namespace {

/// Who has made the connection end: of two that close a WebSocket, who was first.
std::string_view closer_of(const conn::ConnectionState& state) {
  if (state.closed_by_peer || state.ending == conn::Ending::client) return "client";
  return state.ending == conn::Ending::lost ? "network" : "server";
}

log::Field number(std::string_view key, std::uint64_t value) {
  return {.key = key, .value = std::to_string(value), .is_text = false};
}

/// Empty when there is none.
log::Field number_or_none(std::string_view key, std::uint64_t value) {
  return {.key = key, .value = value > 0 ? std::to_string(value) : "", .is_text = false};
}

log::Field seconds(std::string_view key, Duration time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).count();
  std::string fraction = std::to_string(1000 + ms % 1000);
  fraction.front() = '.';
  return {.key = key, .value = std::to_string(ms / 1000) + fraction, .is_text = false};
}

}  // namespace

void AccessLog::write(const conn::Connection& connection, const conn::Traffic& traffic,
                      Instant now) {
  if (++skipped_ < one_in_) return;
  skipped_ = 0;
  const conn::ConnectionState& state = connection.state;
  const bool is_websocket = connection.policy && !state.streams;
  const unsigned code = state.close_code == 0 ? 1006u : state.close_code;
  const auto ending = static_cast<std::size_t>(state.ending);
  const std::array fields{
      log::Field{.key = "client", .value = state.client.text()},
      log::Field{.key = "route", .value = labels_->routes.name(traffic.route)},
      log::Field{.key = "transport", .value = std::string(transport_label(traffic))},
      number_or_none("status", traffic.status),
      number("requests", traffic.requests),
      seconds("duration", now - traffic.began),
      number("messages_received", traffic.messages_received),
      number("messages_sent", connection.messages()),
      number("bytes_received", traffic.bytes_received),
      number("bytes_sent", traffic.bytes_sent),
      number_or_none("code", is_websocket ? code : 0),
      log::Field{.key = "closed_by", .value = std::string(closer_of(state))},
      log::Field{.key = "reason", .value = std::string(kEndingLabels[ending])},
  };
  log::write_access(fields);
}

}  // namespace peal::server
