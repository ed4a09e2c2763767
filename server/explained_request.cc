// SPDX-License-Identifier: Apache-2.0
#include "server/explained_request.h"

#include <string_view>
#include <utility>

#include "config/document.h"
#include "core/base/ascii.h"
#include "core/http/target.h"

namespace peal::server {
namespace {

using config::in_quotes;
using Failure = std::unexpected<std::string>;

std::expected<http::Header, std::string> parse_header(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !ascii::is_token(line.substr(0, colon)))
    return Failure("a header is 'Name: value', not " + in_quotes(line));
  return http::Header{line.substr(0, colon), ascii::trim(line.substr(colon + 1))};
}

/// Takes "scheme://authority" off `url`, if it is there.
std::expected<void, std::string> parse_origin_part(std::string_view& url,
                                                   ExplainedRequest& parsed) {
  const auto mark = url.find("://");
  if (url.starts_with('/') || mark == std::string_view::npos) return {};
  const std::string_view scheme = url.substr(0, mark);
  parsed.secure = scheme == "https" || scheme == "wss";
  parsed.websocket = scheme == "ws" || scheme == "wss";
  if (!parsed.secure && !parsed.websocket && scheme != "http")
    return Failure("a URL begins with http:, https:, ws: or wss:, not " + in_quotes(scheme));
  url.remove_prefix(mark + 3);
  const std::string_view text = url.substr(0, url.find_first_of("/?#"));
  const auto authority = http::parse_authority(text);
  if (!authority) return Failure("a URL has a host, not " + in_quotes(text));
  parsed.port = authority->port.value_or(static_cast<std::uint16_t>(parsed.secure ? 443 : 80));
  parsed.request.host = text;
  url.remove_prefix(text.size());
  if (!url.starts_with('/')) url = "/";
  return {};
}

}  // namespace

std::expected<ExplainedRequest, std::string> read_request(const ExplainRequest& from) {
  ExplainedRequest parsed;
  std::string_view url = from.url;
  if (!ascii::is_token(from.method))
    return Failure("a method is a word such as GET, not " + in_quotes(from.method));
  if (auto origin = parse_origin_part(url, parsed); !origin)
    return Failure(std::move(origin.error()));
  if (!url.starts_with('/')) return Failure("a URL has a path that begins with \"/\"");
  url = url.substr(0, url.find('#'));
  const auto question = url.find('?');
  parsed.request.method = from.method;
  parsed.request.target = url;
  parsed.request.path = url.substr(0, question);
  if (question != std::string_view::npos) parsed.request.query = url.substr(question + 1);
  for (const std::string& line : from.headers) {
    const auto header = parse_header(line);
    if (!header) return Failure(header.error());
    parsed.headers.push_back(*header);
    if (ascii::equal_ignoring_case(header->name, "Host")) parsed.request.host = header->value;
  }
  return parsed;
}
}  // namespace peal::server
