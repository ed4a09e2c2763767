// SPDX-License-Identifier: Apache-2.0
#include "server/listening.h"

#include <algorithm>
#include <charconv>

#include "core/http/target.h"
#include "core/hub/message_id.h"

namespace peal::server {
namespace {

constexpr std::size_t kOffsetRoom = 1 + 20;  // a dot and the digits

char* write_first(char* to, std::uint64_t offset) {
  return hub::write_message_id(to, {.epoch = hub::process_epoch(), .offset = offset});
}

char* write_next(char* to, std::uint64_t offset) {
  *to++ = '.';
  return std::to_chars(to, to + kOffsetRoom, offset).ptr;
}

}  // namespace

std::optional<TopicRefusal> lack_of_room(const http::Request& request, std::size_t topics,
                                         bool streams, std::size_t header_size) {
  const std::string_view around = streams ? "Last-Event-ID: \r\n" : "&since=";
  const auto now =
      streams ? request.header("Last-Event-ID") : http::query_value(request.query, "since");
  const std::size_t other =
      now ? request.head_size - now->size() : request.head_size + around.size();
  if (other + longest_position(topics) <= header_size) return std::nullopt;
  return TopicRefusal{400, "no room to come back: with a position of up to " +
                               std::to_string(longest_position(topics)) +
                               " octets this request would be too large; ask for fewer topics"};
}

bool has_pattern(const std::vector<SelectedTopic>& topics) {
  return std::ranges::any_of(topics, &SelectedTopic::is_pattern);
}

std::size_t count_named(const std::vector<SelectedTopic>& topics) {
  return static_cast<std::size_t>(std::ranges::count(topics, false, &SelectedTopic::is_pattern));
}

/// From the last topic to the first, as the newest use heads the list.
void subscribe(hub::Hub& hub, conn::Connection& connection, const Listening& listening,
               const hub::OutboxPolicy& policy) {
  const Resume& resume = listening.resume;
  const bool known = resume.since() && resume.epoch == hub::process_epoch();
  std::size_t index = count_named(listening.topics);
  for (std::size_t i = listening.topics.size(); i-- > 0;) {
    const SelectedTopic& topic = listening.topics[i];
    if (topic.is_pattern) {
      hub.subscribe_pattern(connection.topics, topic.text, connection, policy);
      continue;
    }
    const hub::Replay replay = resume.replay(--index);
    hub::TopicUse& use = hub.subscribe(connection.topics, topic.text, connection, policy, replay);
    use.offset = known ? replay.value : kUnknownOffset;
  }
}

bool all_ready(const hub::TopicUse* uses) {
  for (; uses; uses = uses->next)
    if (!uses->ready) return false;
  return true;
}

bool position_known(const hub::TopicUse* uses) {
  for (; uses; uses = uses->next)
    if (uses->offset == kUnknownOffset) return false;
  return true;
}

std::size_t position_room(const hub::TopicUse* uses) {
  std::size_t room = hub::kMaxMessageIdText;
  for (; uses; uses = uses->next) room += kOffsetRoom;
  return room;
}

char* write_position(char* to, const hub::TopicUse* uses) {
  bool first = true;
  for (; uses; uses = uses->next) {
    if (uses->topic->is_pattern()) continue;
    to = first ? write_first(to, uses->offset) : write_next(to, uses->offset);
    first = false;
  }
  return first ? write_first(to, 0) : to;
}

std::string position_text(const hub::TopicUse* uses) {
  std::string text(position_room(uses), '\0');
  text.resize(static_cast<std::size_t>(write_position(text.data(), uses) - text.data()));
  return text;
}

std::string position_text(const std::vector<std::uint64_t>& offsets) {
  std::string text(hub::kMaxMessageIdText + offsets.size() * kOffsetRoom, '\0');
  char* end = write_first(text.data(), offsets.empty() ? 0 : offsets.front());
  for (std::size_t i = 1; i < offsets.size(); ++i) end = write_next(end, offsets[i]);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

}  // namespace peal::server
