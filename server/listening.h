// SPDX-License-Identifier: Apache-2.0
// What event streams and long polls have in common: clients that only listen, and know where they
// are by a position.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/conn/connection.h"
#include "core/http/request.h"
#include "core/hub/hub.h"
#include "server/origin.h"
#include "server/resume.h"
#include "server/topic_selection.h"

namespace peal::server {

/// What a request to listen is about.
struct Listening {
  std::vector<SelectedTopic> topics;
  Resume resume;
  Page page = Page::none;
  std::string_view origin{};  ///< of the request
};

/// Octets of a position of so many topics. No offset has more than 16 digits: they count messages,
/// and 2^53 of them would take a process that publishes ten million a second for 28 years.
constexpr std::size_t longest_position(std::size_t topics) {
  return 16 + (1 + 16) * std::max<std::size_t>(topics, 1);
}

/// Nullopt when the client can say where it is when it comes back, by the same request with a
/// position of so many topics: within `header_size`, the limit of a request's head. Else why not:
/// it would be refused for ever, and nobody would hear of it.
std::optional<TopicRefusal> lack_of_room(const http::Request& request, std::size_t topics,
                                         bool streams, std::size_t header_size);

bool has_pattern(const std::vector<SelectedTopic>& topics);
/// How many are topics and not patterns, so that they have a position.
std::size_t count_named(const std::vector<SelectedTopic>& topics);

/// Makes the topics the connection's, in their order.
void subscribe(hub::Hub& hub, conn::Connection& connection, const Listening& listening,
               const hub::OutboxPolicy& policy);

bool all_ready(const hub::TopicUse* uses);

// Positions: "EPOCH-OFFSET.OFFSET...", an offset for each topic of the request, in its order, none
// for patterns; a single 0 where there are only those.

/// TopicUse::offset of one that is not ready, so that nobody knows yet.
inline constexpr std::uint64_t kUnknownOffset = std::numeric_limits<std::uint64_t>::max();

/// Whether the offsets of all uses are known.
bool position_known(const hub::TopicUse* uses);

/// Characters that write_position() needs at most.
std::size_t position_room(const hub::TopicUse* uses);
/// Writes where the owner of `uses` is; returns the end.
char* write_position(char* to, const hub::TopicUse* uses);
std::string position_text(const hub::TopicUse* uses);
/// The same of offsets.
std::string position_text(const std::vector<std::uint64_t>& offsets);

}  // namespace peal::server
