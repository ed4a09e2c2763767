// SPDX-License-Identifier: Apache-2.0
#include "loadtest/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/ascii.h"

namespace peal::loadtest {
namespace {

struct Scheme {
  std::string_view name;
  bool secure;
  bool websocket;
};
constexpr std::array kSchemes = {Scheme{"ws", false, true}, Scheme{"wss", true, true},
                                 Scheme{"http", false, false}, Scheme{"https", true, false}};

std::uint16_t default_port(bool secure) {
  return secure ? 443 : 80;
}

/// "host", "host:port", "[v6]", "[v6]:port" into `url`; false when it is none of them.
bool parse_authority(std::string_view text, Url& url) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    has_port = !text.empty();
    if (has_port && text.front() != ':') return false;
    port = has_port ? text.substr(1) : text;
  } else {
    const auto colon = text.find(':');
    url.host = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  url.port = default_port(url.secure);
  if (url.host.empty()) return false;
  if (!has_port) return true;
  const auto number = ascii::parse_decimal(port);
  if (!number || *number == 0 || *number > 0xffff) return false;
  url.port = static_cast<std::uint16_t>(*number);
  return true;
}

}  // namespace

bool Url::has_address() const {
  in6_addr any;
  return host.contains(':') || inet_pton(AF_INET, host.c_str(), &any) == 1;
}

std::string Url::authority() const {
  const std::string name = host.contains(':') ? '[' + host + ']' : host;
  return port == default_port(secure) ? name : name + ':' + std::to_string(port);
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  const std::string quoted = '"' + std::string(text) + '"';
  const auto mark = text.find("://");
  const auto scheme = std::ranges::find_if(kSchemes, [&](const Scheme& each) {
    return mark != std::string_view::npos &&
           ascii::equal_ignoring_case(each.name, text.substr(0, mark));
  });
  if (scheme == kSchemes.end())
    return std::unexpected(quoted +
                           " is no URL: it begins with ws://, wss://, http:// or https://");
  Url url;
  url.secure = scheme->secure;
  url.websocket = scheme->websocket;
  text.remove_prefix(mark + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  if (text.substr(0, end).contains('@'))
    return std::unexpected(quoted + ": a user or password in a URL is not sent; use --header");
  if (!parse_authority(text.substr(0, end), url))
    return std::unexpected(quoted + ": after the scheme comes HOST, HOST:PORT or [IPv6]:PORT");
  std::string_view target = text.substr(end);
  target = target.substr(0, target.find('#'));
  const bool visible = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible)
    return std::unexpected(quoted + ": what is not visible ASCII has to be percent-encoded");
  url.target = target.starts_with('/') ? std::string(target) : '/' + std::string(target);
  return url;
}

}  // namespace peal::loadtest
