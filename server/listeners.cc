// SPDX-License-Identifier: Apache-2.0
#include "server/listeners.h"

#include <utility>

#include "core/io/listener.h"
#include "server/log.h"

namespace peal::server {

std::expected<std::vector<Fd>, std::string> Listeners::open(const config::Listen& listen,
                                                            unsigned shards) {
  auto group = io::open_listeners(listen.host, listen.port, shards);
  if (!group)
    return std::unexpected("listen." + listen.name + ": cannot listen on " +
                           io::address_text(listen.host, listen.port) + ": " +
                           group.error().text());
  log::info("listening on {}{}", io::address_text(listen.host, group->port),
            listen.tls ? ", TLS" : "");
  return std::move(group->sockets);
}

}  // namespace peal::server
