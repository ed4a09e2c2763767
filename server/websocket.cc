// SPDX-License-Identifier: Apache-2.0
#include "server/websocket.h"

#include "core/ws/permessage_deflate.h"
#include "server/log.h"
#include "server/peal_v1_commands.h"

namespace peal::server {

std::vector<std::string> subprotocols_of(const config::Route& route) {
  std::vector<std::string> names;
  if (route.type == config::RouteType::pubsub) names.emplace_back(kPealV1);
  names.insert(names.end(), route.subprotocols.begin(), route.subprotocols.end());
  return names;
}

bool asks_for_peal_v1(const http::Request& request) {
  bool asks = false;
  request.for_each("Sec-WebSocket-Protocol", [&](std::string_view list) {
    ascii::for_each_list_element(list, [&](std::string_view name) { asks |= name == kPealV1; });
  });
  return asks && ws::wants_upgrade(request);
}

std::optional<ws::UpgradeRequest> read_upgrade(const Answers& answers, conn::Connection& connection,
                                               const http::Request& request, Page page) {
  if (answers.draining()) {
    answers.going_down(connection, request);
    return std::nullopt;
  }
  const auto upgrade = ws::check_upgrade(request);
  if (!upgrade) {
    const ws::Rejection& rejection = upgrade.error();
    answers.text(connection, request, rejection.status, rejection.reason, rejection.headers);
    return std::nullopt;
  }
  if (page == Page::foreign) {
    answers.text(connection, request, 403, "this origin may not use the route");
    return std::nullopt;
  }
  return *upgrade;
}

std::optional<std::string_view> accept_websocket(conn::ConnectionTable& table,
                                                 const Answers& answers,
                                                 conn::Connection& connection,
                                                 const http::Request& request, const Route& route,
                                                 const ws::UpgradeRequest& upgrade,
                                                 std::span<const std::string> ours) {
  const auto refuse = [&](const ws::Rejection& rejection) {
    answers.text(connection, request, rejection.status, rejection.reason, rejection.headers);
    return std::nullopt;
  };
  const auto subprotocol = ws::choose_subprotocol(request, ours);
  if (!subprotocol) return refuse(subprotocol.error());
  const auto deflate = ws::answer_deflate_offers(request, route.deflate);
  if (!deflate) return refuse(deflate.error());
  connection.set_deflate(deflate->agreement);
  const std::size_t room = kResponseRoom + subprotocol->size();
  Block* block = table.memory().blocks.take(room);
  const std::size_t size =
      ws::write_accept({block->data(), room}, upgrade, *subprotocol, deflate->text.view());
  answers.note(connection, 101);
  table.upgrade(connection, route, block, size);
  log::debug("route {}: WebSocket {} opened", route.config->name, connection.id().index);
  return *subprotocol;
}

}  // namespace peal::server
