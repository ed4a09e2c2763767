// SPDX-License-Identifier: Apache-2.0
// How a message is written for those who want more than its payload. By hand, and not by a JSON
// library, because it is done for each message, into memory that is sent as it is.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/bytes.h"
#include "core/hub/message_id.h"

namespace peal::hub {

/// A message of a topic. The payload of a text is UTF-8, and so is the topic.
struct Item {
  MessageId id;
  std::string_view topic;
  Bytes payload;
  bool is_text = true;
};

/// Bytes that write_json() needs at most: {"id":"..","topic":"..","data":".."}, or "base64" instead
/// of "data" for what is not text.
std::size_t json_room(const Item& item);
std::byte* write_json(std::byte* to, const Item& item);

/// Bytes that write_event() needs at most.
std::size_t event_room(const Item& item);
/// An event (WHATWG HTML, section 9.2): its id, "event: message" or "event: binary", and the text,
/// one "data:" for each of its lines, or the base64 of the rest. As the format wants it, CR and CR
/// LF in a text come to the reader as LF.
std::byte* write_event(std::byte* to, const Item& item);
/// The same with the JSON object as data, and the bytes that needs at most.
std::size_t json_event_room(const Item& item);
std::byte* write_json_event(std::byte* to, const Item& item);

/// Characters of a JSON string of `text`, without the quotes; and those characters.
std::size_t json_string_size(std::string_view text);
char* write_json_string(char* to, std::string_view text);

}  // namespace peal::hub
