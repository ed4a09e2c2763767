// SPDX-License-Identifier: Apache-2.0
// By which transport a request to a pubsub route is answered.
#pragma once

#include <expected>
#include <string>

#include "config/config.h"
#include "core/http/request.h"
#include "server/topic_selection.h"

namespace peal::server {

/// An upgrade is a WebSocket, and so is all on a route that has nothing else: whether it is a right
/// one is ws::check_upgrade()'s to say. Else a GET that wants text/event-stream by name is an event
/// stream and any other a long poll, as far as the route has them. Errors: 400 for an upgrade, 406
/// for the rest, with what the route has.
std::expected<config::Transport, TopicRefusal> choose_transport(const http::Request& request,
                                                                const config::Route& route);

}  // namespace peal::server
