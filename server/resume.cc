// SPDX-License-Identifier: Apache-2.0
#include "server/resume.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/http/target.h"

namespace peal::server {
namespace {

using From = hub::Replay::From;
using Declined = std::unexpected<TopicRefusal>;

constexpr std::uint64_t kMostLast = 1'000'000;  // as of config::Replay::last

/// The value of a parameter that may be there once. Error: 400.
std::expected<std::optional<std::string>, TopicRefusal> parameter(std::string_view query,
                                                                  std::string_view wanted) {
  std::optional<std::string> found;
  std::size_t count = 0;
  http::for_each_query_pair(query, [&](std::string_view name, std::string_view value) {
    if (name != wanted || ++count > 1) return;
    found.emplace(value.size(), '\0');
    const auto text = http::decode_query_value(value, *found);
    found->resize(text ? text->size() : 0);
  });
  if (count > 1) return Declined({400, "\"" + std::string(wanted) + "\" is there more than once"});
  return found;
}

/// With only patterns there is one offset, of nothing.
std::optional<Resume> resume_at(std::string_view text, std::size_t topics) {
  const std::size_t wanted = std::max<std::size_t>(topics, 1);
  auto position = hub::parse_position(text, wanted);
  if (!position || position->offsets.size() != wanted) return std::nullopt;
  return Resume{
      .from = From::since, .epoch = position->epoch, .offsets = std::move(position->offsets)};
}

Resume resume_last(std::uint64_t last) {
  Resume resume;
  if (last == 0) return resume;
  resume.from = From::last;
  resume.last = static_cast<std::uint32_t>(last);
  return resume;
}

}  // namespace

hub::Replay Resume::replay(std::size_t topic) const {
  switch (from) {
    case From::nothing:
    case From::now:
      break;
    case From::last:
      return {.from = from, .value = last};
    case From::since:
      // An epoch that is not ours: what it stands for is lost.
      if (offsets.empty()) return {.from = from, .epoch = ~hub::process_epoch()};
      return {.from = from, .epoch = epoch, .value = offsets[topic]};
  }
  return {.from = From::now};
}

std::expected<Resume, TopicRefusal> read_resume(const http::Request& request,
                                                const config::Route& route, std::size_t topics) {
  const auto since = parameter(request.query, "since");
  if (!since) return Declined(since.error());
  const auto last = parameter(request.query, "last");
  if (!last) return Declined(last.error());
  if (*since && *last) return Declined({400, "\"since\" and \"last\" exclude each other"});
  if (*since) {
    if (auto resume = resume_at(**since, topics)) return *std::move(resume);
    return Declined({400, topics > 1
                              ? "\"since\" is no position in these topics: EPOCH-OFFSET.OFFSET..."
                              : "\"since\" is no message's id: EPOCH-OFFSET"});
  }
  if (*last) {
    const auto number = ascii::parse_decimal(**last);
    if (number && *number <= kMostLast) return resume_last(*number);
    return Declined({400, "\"last\" is a number of messages up to 1000000"});
  }
  return resume_last(route.replay ? route.replay->last : 0);
}

std::expected<Resume, TopicRefusal> read_stream_resume(const http::Request& request,
                                                       const config::Route& route,
                                                       std::size_t topics) {
  const std::string_view last_id = request.header("Last-Event-ID").value_or("");
  if (last_id.empty()) return read_resume(request, route, topics);
  if (auto resume = resume_at(last_id, topics)) return *std::move(resume);
  return Resume{.from = From::since, .epoch = 0, .offsets = {}};
}

}  // namespace peal::server
