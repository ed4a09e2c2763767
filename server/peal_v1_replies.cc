// SPDX-License-Identifier: Apache-2.0
#include "server/peal_v1_replies.h"

#include "core/hub/encoding.h"

namespace peal::server {
namespace {

/// An object, member after member.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ = '{'; }
  ~Object() { out_ += '}'; }

  void text(std::string_view key, std::string_view value) {
    begin(key);
    out_ += '"';
    const std::size_t at = out_.size();
    out_.resize(at + hub::json_string_size(value));
    hub::write_json_string(out_.data() + at, value);
    out_ += '"';
  }
  void id(std::string_view key, hub::MessageId value) {
    char digits[hub::kMaxMessageIdText];
    text(key, {digits, hub::write_message_id(digits, value)});
  }
  void number(std::string_view key, std::uint32_t value) {
    begin(key);
    out_ += std::to_string(value);
  }
  void yes(std::string_view key) {
    begin(key);
    out_ += "true";
  }
  void ref(PealRef value) {
    if (value) number("ref", *value);
  }

 private:
  void begin(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }

  std::string& out_;
};

}  // namespace

void write_subscribed(std::string& out, std::string_view topic, std::optional<hub::MessageId> next,
                      PealRef ref) {
  Object object(out);
  object.text("subscribed", topic);
  if (next) object.id("next", *next);
  object.ref(ref);
}

void write_gap(std::string& out, std::string_view topic, std::optional<hub::MessageId> next) {
  Object object(out);
  object.yes("gap");
  object.text("topic", topic);
  if (next) object.id("next", *next);
}

void write_unsubscribed(std::string& out, std::string_view topic, PealRef ref) {
  Object object(out);
  object.text("unsubscribed", topic);
  object.ref(ref);
}

void write_published(std::string& out, std::string_view topic, hub::MessageId id,
                     std::uint32_t subscribers, PealRef ref) {
  Object object(out);
  object.text("published", topic);
  object.id("id", id);
  object.number("subscribers", subscribers);
  object.ref(ref);
}

void write_error(std::string& out, std::string_view code, std::string_view message, PealRef ref) {
  Object object(out);
  object.text("error", code);
  object.text("message", message);
  object.ref(ref);
}

}  // namespace peal::server
