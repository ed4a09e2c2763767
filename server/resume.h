// SPDX-License-Identifier: Apache-2.0
// From a request to what of the past its client is to be sent.
#pragma once

#include <expected>
#include <vector>

#include "config/config.h"
#include "core/http/request.h"
#include "core/hub/mesh.h"
#include "server/topic_selection.h"

namespace peal::server {

/// What a client asked for, or its route gives it without asking.
struct Resume {
  hub::Replay::From from = hub::Replay::From::now;  ///< now, last or since
  std::uint32_t last = 0;                           ///< messages of each topic
  std::uint64_t epoch = 0;
  std::vector<std::uint64_t> offsets;  ///< `since`: of each topic; empty where nobody knows them

  bool since() const { return from == hub::Replay::From::since; }
  /// For one of the topics, without patterns, in the order of the request.
  hub::Replay replay(std::size_t topic) const;
};

/// "?since=POSITION" or "?last=N", of which a client gives one at most, else `replay` of the route.
/// `topics`: how many the request has, without patterns; a position has an offset for each.
/// Errors: 400, in words that hold nothing of the request.
std::expected<Resume, TopicRefusal> read_resume(const http::Request& request,
                                                const config::Route& route, std::size_t topics);

/// The same for an event stream. Last-Event-ID goes before all else: a browser that connects again
/// does so to the same URL (WHATWG HTML, section 9.2.3). One that we do not know is a client that
/// has missed we do not know what, and no error: a browser would give up.
std::expected<Resume, TopicRefusal> read_stream_resume(const http::Request& request,
                                                       const config::Route& route,
                                                       std::size_t topics);

}  // namespace peal::server
