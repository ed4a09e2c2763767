// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/conn/connection.h"
#include "core/conn/exchange.h"
#include "server/long_poll.h"
#include "server/metrics_route.h"
#include "server/publication.h"

namespace peal::server {

/// What a connection keeps of its request. Each part is made when there is first need for it, and
/// used again.
struct KeptRequest final : conn::Exchange {
  std::unique_ptr<Publication> publication;  ///< from the first publish request on
  std::unique_ptr<PendingPoll> poll;         ///< from the first long poll on
  std::unique_ptr<PendingScrape> scrape;     ///< from the first scrape on
};

/// Requires: the connection has asked to publish.
inline Publication& publication_of(const conn::Connection& connection) {
  return *static_cast<KeptRequest&>(*connection.exchange).publication;
}

}  // namespace peal::server
