// SPDX-License-Identifier: Apache-2.0
#include "server/publish_request.h"

#include "core/base/utf8.h"
#include "core/http/media_type.h"

namespace peal::server {
namespace {

using Refused = std::unexpected<http::Failure>;

bool is_coded(const http::Request& request) {
  bool coded = false;
  request.for_each("Content-Encoding", [&](std::string_view list) {
    ascii::for_each_list_element(list, [&](std::string_view coding) {
      coded = coded || !ascii::equal_ignoring_case(coding, "identity");
    });
  });
  return coded;
}

bool is_utf8_charset(std::string_view charset) {
  for (const std::string_view name : {"utf-8", "utf8", "us-ascii"})
    if (ascii::equal_ignoring_case(charset, name)) return true;
  return charset.empty();
}

}  // namespace

std::expected<PublishForm, http::Failure> publish_form(const http::Request& request) {
  if (is_coded(request)) return Refused({415, "the body has a content coding; send it plain"});
  const auto field = request.header("Content-Type");
  if (!field) return PublishForm::text;
  const auto media = http::parse_media_type(*field);
  if (!media) return Refused({400, "Content-Type is malformed"});
  if (media->is("application", "octet-stream")) return PublishForm::binary;
  if (!is_utf8_charset(media->charset))
    return Refused({415, "text has to be UTF-8, and its charset is another"});
  return media->is("application", "x-ndjson") ? PublishForm::batch : PublishForm::text;
}

bool has_length(const http::Request& request) {
  return request.has_body() || request.header("Content-Length").has_value();
}

std::optional<std::size_t> utf8_mistake(Bytes text) {
  if (is_utf8(text)) return std::nullopt;
  Utf8Validator validator;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!validator.feed(text.subspan(i, 1))) return i;
  return text.size();
}

}  // namespace peal::server
